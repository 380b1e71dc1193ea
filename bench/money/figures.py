"""The figures `cost.*`: measured where traces are given, absent where not."""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from bench.figure import ROOT, Figure
from bench.money import chart, limits, traces
from bench.money.model import Model
from bench.money.month import Bill, Month, defaults, drawn, month, team
from controls.pricing.prices import Prices

PROFILE = os.environ.get("SLUICE_PROFILE", "default")
# Months that are drawn and played, and of them those for the chart.
SEEDS, CHARTED = {"default": (30, 6), "nightly": (300, 60)}[PROFILE]
NAMES = (
    "cost.none_usd",
    "cost.native_idle_usd",
    "cost.sluice_usd",
    "cost.oracle_usd",
    "cost.avoidable_share",
    "cost.avoidable_share_idle",
    "cost.wrong_stops",
    "cost.restarts_week",
)
MOST_AVOIDABLE = 0.10
CHART = ROOT / "out" / "cost_limits.svg"
_WEEKS = 30 / 7
_SEEN = "cells that run without a browser are taken to be seen, which AWS does not document"


def money(folder: Path) -> list[Figure]:
    """Raises TraceError."""
    told, model, costs, prices = traces.read(folder), Model(), defaults(), Prices.read()
    worlds = [drawn(told, model, seed, prices) for seed in range(SEEDS)]
    months = [month(world, model, costs, seed) for seed, world in enumerate(worlds)]
    CHART.parent.mkdir(exist_ok=True)
    without = costs.model_copy(update={"off_hours": None})
    CHART.write_text(
        chart.drawn(
            list(limits.curves(worlds[:CHARTED], costs)),
            without=limits.standing(worlds[:CHARTED], without),
            people=team(told, model),
            most=MOST_AVOIDABLE,
            samples=f"{CHARTED} months",
        ),
        "utf-8",
    )
    return figures(months, team(told, model))


def figures(months: Sequence[Month], people: int) -> list[Figure]:
    jobs = "the trace's jobs of 30 days, run times drawn; Studio and endpoints from bench/money/model.py"
    whole, idle = [avoidable_share(one) for one in months], [avoidable_share(one, idle=True) for one in months]
    endings = sum(one.endings for one in months)
    rows: list[tuple[float, str, float | None, str]] = [
        (mean(one.none.usd for one in months), "USD/month", None, f"no controls; {jobs}"),
        (mean(one.native.usd for one in months), "USD/month", None, "Studio's own idle shutdown, at 60 minutes"),
        (mean(one.sluice.usd for one in months), "USD/month", None, "limits of config/team.yaml, enforced; off-hours"),
        (mean(one.oracle.usd for one in months), "USD/month", None, "knows the future; spot wherever it pays"),
        (pooled(months), "of 1", MOST_AVOIDABLE, f"(sluice - oracle) / (none - oracle); single months {_range(whole)}"),
        (pooled(months, idle=True), "of 1", None, f"the same without training; single months {_range(idle)}"),
        (sum(len(one.wrong) for one in months), "endings", 0, f"of {endings}: in use or within its grace; {_SEEN}"),
        (mean(one.sluice.restarts for one in months) / _WEEKS / people, "a person", None, "what people start again"),
    ]
    return [
        Figure(
            name=name,
            value=value,
            unit=unit,
            limit=limit,
            against=against,
            samples=len(months),
            profile=PROFILE,
        )
        for name, (value, unit, limit, against) in zip(NAMES, rows, strict=True)
    ]


def pooled(months: Sequence[Month], *, idle: bool = False) -> float:
    """The avoidable share of all months together."""
    none, sluice, oracle = (
        sum(_usd(getattr(one, name), idle) for one in months) for name in ("none", "sluice", "oracle")
    )
    return (sluice - oracle) / (none - oracle)


def avoidable_share(one: Month, *, idle: bool = False) -> float:
    """Of what foresight would save, the part that Sluice does not; `idle`: without training."""
    return pooled([one], idle=idle)


def _usd(bill: Bill, idle: bool) -> float:
    return bill.idle if idle else bill.usd


def _range(shares: Sequence[float]) -> str:
    above = sum(share > MOST_AVOIDABLE for share in shares)
    return f"{min(shares):.3f} to {max(shares):.3f}, {above} above {MOST_AVOIDABLE:g}"
