"""What the cost controls themselves cost in a month in which nobody works, for so many resources and endpoints.

Each figure is rounded up by its assumption. AWS's free tiers named here are for ever, and one for the whole account.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from config import prices
from config.prices import (
    ALARM_METRIC,
    DASHBOARD,
    DASHBOARDS,
    FREE_ALARM_METRICS,
    FREE_DASHBOARDS,
    FREE_METRICS,
    HOURS,
    LOGS_TAKEN_IN,
    METRIC,
    Price,
    Row,
)
from config.schema import Platform

METRIC_READ = Price(0.01 / 1000, "metric", "2026", "aws.amazon.com/cloudwatch/pricing")
GB_SECOND = Price(0.0000133334, "GB-second on arm64", "2026", "aws.amazon.com/lambda/pricing")
RUN = Price(0.20e-6, "request", "2026", "aws.amazon.com/lambda/pricing")
TRANSITION = Price(0.025 / 1000, "state transition", "2026", "aws.amazon.com/step-functions/pricing")
WRITE = Price(0.625e-6, "write request unit", "2025-07", "aws.amazon.com/dynamodb/pricing")
READ = Price(0.125e-6, "read request unit", "2025-07", "aws.amazon.com/dynamodb/pricing")
BILL_ASKED = Price(0.01, "request", "2026", "aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing")
PUT = Price(0.005 / 1000, "request", "2026", "aws.amazon.com/s3/pricing")
KEY_USE = Price(0.03 / 10_000, "request", "2026-03", "aws.amazon.com/kms/pricing")

# Each account has these for nothing, for ever.
FREE_GB_SECONDS, FREE_RUNS = 400_000, 1_000_000
FREE_TRANSITIONS, FREE_LOGS_GB, FREE_KEY_USES = 4_000, 5, 20_000
CUSTOM_METRICS = 3  # as `controls.emf` has them; without a budget nothing is metered, and there is one
_DAYS = 31
_MEMORY_GB = 0.5
_METERED_A_MONTH = HOURS * 4  # every 15 minutes
# Seconds a run, estimated upwards: some 100 calls at 0.1 s, and less for what looks at less.
_SWEEP_SECONDS, _METER_SECONDS, _DAILY_SECONDS = 30, 10, 30


@dataclass(frozen=True)
class Load:
    """What is looked at: all `resources`, the `endpoints` among them with the metric of one variant each."""

    resources: int = 50
    endpoints: int = 20


def at_rest(platform: Platform, load: Load | None = None) -> list[Row]:
    """What the controls of `platform` cost at rest under `load`, by item; free tiers as if it were alone with them."""
    borrowed = platform.region != prices.REGION
    return [replace(row, borrowed=borrowed) for row in _rows(platform, load or Load())]


def total_in_full(rows: list[Row]) -> float:
    """USD a month, without free tiers."""
    return sum(row.usd_in_full for row in rows)


def with_free_dashboards(rows: list[Row]) -> float:
    """USD a month, with no free tier but that of the dashboard: it costs more than all else together."""
    return total_in_full([row for row in rows if row.resource != "dashboard"])


def shown(platform: Platform, load: Load | None = None) -> str:
    """Item by item, for a person: the platform and then its controls, with free tiers and without."""
    load = load or Load()
    ours = at_rest(platform, load)
    counted = {"runs of the sweep", *(row.resource for row in ours)}
    others = [row for row in prices.at_rest(platform) if row.resource not in counted]
    if platform.monitors:
        others.append(_tiered("dashboard of monitors", 1, DASHBOARD, FREE_DASHBOARDS))
    rest = prices.alarm_metrics(platform) - prices.control_alarm_metrics(platform)
    free = FREE_ALARM_METRICS - prices.control_alarm_metrics(platform)
    others.append(_tiered("metrics of other alarms", rest, ALARM_METRIC, free))
    rows = [*others, *ours]
    head = f"{f'{platform.prefix} at rest, USD/month':<32}{'':>9}{'':>9}{'no free':>9}"
    names = f"{'':<32}{'count':>9}{'':>9}{'tier':>9}"
    watched = f"its controls, for {load.resources} resources and {load.endpoints} endpoints"
    lines = [head, names, *map(_line, others), watched, *map(_line, ours)]
    lines += [_sum("controls", ours), _sum("total", rows)]
    if platform.region != prices.REGION:
        lines.append(f"Prices of {prices.REGION}: those of {platform.region} are not known here and may be higher.")
    lines.append("Free tiers are one for each account: what else runs there uses them up as well.")
    return "\n".join(lines)


def _line(row: Row) -> str:
    figures = f"{row.count:>9,}{row.usd_per_month:>9.2f}{row.usd_in_full:>9.2f}"
    return f"{row.resource:<32}{figures}  {row.assumption} ({row.source})"


def _sum(name: str, rows: list[Row]) -> str:
    return f"{name:<32}{'':>9}{prices.total(rows):>9.2f}{total_in_full(rows):>9.2f}"


def _tiered(name: str, count: int, price: Price, free: int = 0, told: str = "") -> Row:
    nothing = f"the first {free:,} of an account are free" if free else ""
    told = "; ".join(filter(None, (told, nothing)))
    return Row(name, count, max(0, count - free) * price.usd, told, usd_untiered=count * price.usd, source=price.source)


def _rows(platform: Platform, load: Load) -> Iterator[Row]:
    costs = platform.costs
    sweeps, places = HOURS // costs.sweep.every_hours, 1 + len(costs.targets)
    metered = _METERED_A_MONTH if costs.budget else 0
    runs = sweeps * places + metered + 2 * _DAYS
    seconds = sweeps * places * _SWEEP_SECONDS + metered * _METER_SECONDS + 2 * _DAYS * _DAILY_SECONDS
    written = load.resources * _DAYS * 6 + metered * 12
    read = sweeps * places * 5 * (load.resources // 4 + 1) + metered * 10 + _DAYS * load.resources * _DAYS
    yield _tiered("dashboard", DASHBOARDS, DASHBOARD, FREE_DASHBOARDS)
    yield _tiered("custom metrics", CUSTOM_METRICS if costs.budget else 1, METRIC, FREE_METRICS)
    yield _tiered("metrics of alarms", prices.control_alarm_metrics(platform), ALARM_METRIC, FREE_ALARM_METRICS)
    yield _tiered(
        "metrics read", sweeps * places * load.endpoints, METRIC_READ, told="each sweep reads one of each endpoint"
    )
    yield _tiered(
        "GB-seconds of functions",
        round(seconds * _MEMORY_GB),
        GB_SECOND,
        FREE_GB_SECONDS,
        f"a sweep {_SWEEP_SECONDS} s, the meter {_METER_SECONDS} s every 15 minutes, at 512 MB",
    )
    yield _tiered("runs of functions", runs, RUN, FREE_RUNS)
    yield _tiered("state transitions", sweeps * (3 + 2 * places), TRANSITION, FREE_TRANSITIONS, "five a sweep")
    yield _tiered("ledger: writes", written, WRITE, told="each resource six a day, the meter twelve a run")
    yield _tiered("ledger: reads", read, READ, told="what is remembered, by each sweep; the month, by each report")
    yield _tiered(
        "questions to Cost Explorer", _DAYS if costs.budget else 0, BILL_ASKED, told="one a day, with a budget"
    )
    yield _tiered("reports in S3", _DAYS, PUT, told="one a day; some 60 KB each")
    logged = Row("GB of logs", 1, 0, "assumed: at most 0.1 GB; the first 5 of an account are free")
    yield replace(logged, usd_untiered=0.1 * LOGS_TAKEN_IN.usd, source=LOGS_TAKEN_IN.source)
    yield _tiered("uses of the key", 4 * runs, KEY_USE, FREE_KEY_USES, "assumed: four a run")
