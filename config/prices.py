"""What the platform costs in a month in which nobody works: no job, endpoint or app runs and nothing is stored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from config.instances import partition
from config.network import PrivateNetwork
from config.schema import Platform

HOURS = 730
REGION = "us-east-1"


@dataclass(frozen=True)
class Price:
    """What one `unit` costs in us-east-1 by AWS's price page `source`, as public documents of `as_of` quote it."""

    usd: float
    unit: str
    as_of: str
    source: str


KEY = Price(1.00, "key and month", "2026-03", "aws.amazon.com/kms/pricing")
INTERFACE_ENDPOINT = Price(0.01, "endpoint, zone and hour", "2026", "aws.amazon.com/privatelink/pricing")
ALARM_METRIC = Price(0.10, "metric and month", "2026", "aws.amazon.com/cloudwatch/pricing")
LOGS_TAKEN_IN = Price(0.50, "GB", "2026-06", "aws.amazon.com/cloudwatch/pricing")
LOGS_KEPT = Price(0.03, "GB and month", "2026-06", "aws.amazon.com/cloudwatch/pricing")

METRIC = Price(0.30, "metric and month", "2026", "aws.amazon.com/cloudwatch/pricing")
DASHBOARD = Price(3.00, "dashboard and month", "2026", "aws.amazon.com/cloudwatch/pricing")

DASHBOARDS = 1  # of the cost controls; monitors have one more
# AWS lets each account have these for nothing, for ever.
FREE_ALARM_METRICS, FREE_METRICS, FREE_DASHBOARDS = 10, 10, 3
# An idle interface writes a record of some 130 bytes every ten minutes: 0.6 MB a month. Estimated upwards.
FLOW_LOG_GB_PER_ZONE = 0.1


@dataclass(frozen=True)
class Row:
    """`count` of `resource`, and what they cost together; `assumption` says what the figure rests on.

    `borrowed`: the price is that of us-east-1, because that of the platform's region is not in this table.
    `usd_untiered`: what they cost without AWS's free tiers, where that is another figure; `source`: of the price.
    """

    resource: str
    count: int
    usd_per_month: float
    assumption: str
    borrowed: bool = False
    usd_untiered: float | None = None
    source: str = ""

    @property
    def usd_in_full(self) -> float:
        """USD a month, without free tiers."""
        return self.usd_per_month if self.usd_untiered is None else self.usd_untiered


def at_rest(platform: Platform) -> list[Row]:
    """What `platform` costs at rest, by resource."""
    return [replace(row, borrowed=platform.region != REGION) for row in _rows(platform)]


def total(rows: list[Row]) -> float:
    """USD per month."""
    return sum(row.usd_per_month for row in rows)


def shown(platform: Platform) -> str:
    """The table of `at_rest` for a person."""
    rows = at_rest(platform)
    head = f"{f'{platform.prefix} at rest':<24}{'':>6}{'USD/month':>11}"
    lines = [f"{r.resource:<24}{r.count:>6}{r.usd_per_month:>11.2f}  {r.assumption}" for r in rows]
    last = f"{'total':<24}{'':>6}{total(rows):>11.2f}  without jobs, endpoints, apps and what is stored"
    borrowed = (
        [f"Prices of {REGION}: those of {platform.region} are not known here and may be higher."]
        if rows[0].borrowed
        else []
    )
    return "\n".join([head, *lines, last, *borrowed])


def _rows(platform: Platform) -> Iterator[Row]:
    rotations = f"{KEY.usd:.2f} more after each of its first two yearly rotations"
    yield Row("key", 1, KEY.usd, rotations, source=KEY.source)
    network = platform.network
    if isinstance(network, PrivateNetwork):
        zones = len(network.availability_zones)
        endpoints = len(network.interface_endpoints) * zones
        hours = f"{len(network.interface_endpoints)} in each of {zones} zones, {HOURS} hours"
        usd = endpoints * INTERFACE_ENDPOINT.usd * HOURS
        yield Row("interface endpoints", endpoints, usd, hours, source=INTERFACE_ENDPOINT.source)
        gigabytes = FLOW_LOG_GB_PER_ZONE * zones
        usd = gigabytes * (LOGS_TAKEN_IN.usd + LOGS_KEPT.usd * network.flow_log_days / 30)
        kept = f"assumed: {gigabytes:g} GB a month, kept {network.flow_log_days} days"
        yield Row("flow logs", 1, usd, kept, source=LOGS_KEPT.source)
    metrics, free = alarm_metrics(platform), f"the first {FREE_ALARM_METRICS} of an account cost nothing"
    usd = max(0, metrics - FREE_ALARM_METRICS) * ALARM_METRIC.usd
    whole = {"usd_untiered": metrics * ALARM_METRIC.usd, "source": ALARM_METRIC.source}
    yield Row("metrics of alarms", metrics, usd, f"{free}; assumed: it has no others", **whole)
    boards = DASHBOARDS + bool(platform.monitors)
    free = f"the first {FREE_DASHBOARDS} of an account cost nothing"
    yield Row("dashboard", boards, 0, free, usd_untiered=boards * DASHBOARD.usd, source=DASHBOARD.source)
    if platform.monitors:
        yield _of_monitors(platform)
    # 900 s at 512 MB, the most it can take, is 328,500 GB-seconds in a month of hourly runs.
    runs = HOURS // platform.costs.sweep.every_hours
    yield Row("runs of the sweep", runs, 0, "within the 400,000 GB-seconds of Lambda that an account has for nothing")


def _of_monitors(platform: Platform) -> Row:
    metrics = sum(len(monitor.metrics) for monitor in platform.monitors.values())
    usd = max(0, metrics - FREE_METRICS) * METRIC.usd
    told = f"the first {FREE_METRICS} of an account cost nothing; runs of the monitors are jobs"
    whole = {"usd_untiered": metrics * METRIC.usd, "source": METRIC.source}
    return Row("metrics of monitors", metrics, usd, told, **whole)


def alarm_metrics(platform: Platform) -> int:
    """How many metrics the alarms of `platform` look at, those of the cost controls among them."""
    # Dead letters of what tells of runs and records them, and of what cancels each of Autopilot's; errors and dead
    # letters of promotion and teardown.
    searched = sum(not workload.train for workload in platform.workloads.values())
    metrics = bool(platform.workloads) + platform.has_experiments + searched
    metrics += 4 if platform.workloads and platform.has_registry else 0
    # Of each monitor drift, faults and silence; dead letters of what concludes windows and of what answers drift.
    metrics += 3 * len(platform.monitors) + 2 * bool(platform.monitors)
    return metrics + control_alarm_metrics(platform)


def control_alarm_metrics(platform: Platform) -> int:
    """Those of the cost controls alone."""
    # Errors and silence of the sweep; with a budget, errors, letters and silence of the meter; dead letters of what
    # governs jobs, of the report and of what reads prices, which cannot be had in GovCloud.
    metered, priced = platform.costs.budget is not None, partition(platform.region) != "aws-us-gov"
    return 4 + 3 * metered + priced
