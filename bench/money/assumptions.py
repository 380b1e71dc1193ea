"""`python -m bench.money.assumptions DIR`: the avoidable share, were one assumption half or twice as large.

DIR holds the traces. Prints a Markdown table, the assumption that weighs most first.
"""

import argparse
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

from bench.money import traces
from bench.money.figures import pooled
from bench.money.model import ASSUMED, Model
from bench.money.month import defaults, drawn, month
from bench.money.traces import Traces
from controls.pricing.prices import Prices

_SEEDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", type=Path, metavar="DIR")
    told, prices = traces.read(parser.parse_args().traces), Prices.read()
    usual = _share(told, Model(), prices)
    found = [
        (name, *(_share(told, replace(Model(), **{name: value}), prices) for value in values))
        for name, values in _varied()
    ]
    found.sort(key=lambda row: max(abs(share - usual) for share in row[1:]), reverse=True)
    print(f"| as assumed | {usual:.3f} | {usual:.3f} |")  # noqa: T201
    for name, half, twice in found:
        print(f"| `{name}` | {half:.3f} | {twice:.3f} |")  # noqa: T201


def _varied() -> Iterator[tuple[str, tuple[float, float]]]:
    """Half and twice of each number that is assumed; a share is at most 1."""
    for each in fields(Model):
        if isinstance(each.default, float) and ASSUMED in each.metadata["why"]:
            twice = each.default * 2
            yield each.name, (each.default / 2, min(twice, 1.0) if "share" in each.metadata["unit"] else twice)


def _share(told: Traces, model: Model, prices: Prices) -> float:
    costs = defaults()
    return pooled([month(drawn(told, model, seed, prices), model, costs, seed) for seed in range(_SEEDS)])


if __name__ == "__main__":
    main()
