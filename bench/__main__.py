"""`make bench`: measures the project's figures and keeps them in out/bench.json.

A figure that was not measured is absent; `--only PREFIX` renews the figures of that prefix and keeps the rest.
"""

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figures import FIGURES

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "out" / "bench.json"


def main() -> int:
    """Exit status 0 when every figure measured now is within its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="PREFIX")
    prefix = parser.parse_args().only
    chosen = [measure for names, measure in FIGURES.items() if any(name.startswith(prefix) for name in names)]
    if not chosen:
        known = ", ".join(name for names in FIGURES for name in names)
        print(f"no figure starts with '{prefix}'; known: {known}", file=sys.stderr)  # noqa: T201
        return 2
    console = Console()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    fresh: list[dict[str, object]] = []
    for measure in chosen:
        with console.status(f"measuring {measure.__name__.replace('_', ' ')} ..."):
            found = [figure for figure in measure() if figure.name.startswith(prefix)]
        at = datetime.now(UTC).isoformat(timespec="seconds")
        fresh += [figure.row(commit.strip(), at) for figure in found]
    rows = {row["name"]: row for row in _kept()} | {row["name"]: row for row in fresh}
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps({"figures": [rows[name] for name in sorted(rows, key=str)]}, indent=1) + "\n")
    console.print(_table(fresh))
    return 0 if all(row["ok"] for row in fresh) else 1


def _kept() -> list[dict[str, object]]:
    return json.loads(TARGET.read_text())["figures"] if TARGET.exists() else []


def _table(rows: list[dict[str, object]]) -> Table:
    table = Table("figure", "value", "unit", "limit", "", "against", title=str(TARGET.relative_to(ROOT)))
    for row in rows:
        mark = "[green]ok[/]" if row["ok"] else "[red]over[/]"
        table.add_row(
            str(row["name"]), f"{row['value']:g}", str(row["unit"]), str(row["limit"]), mark, str(row["against"])
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
