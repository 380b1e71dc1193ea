"""What the platform does about its bill: clean-up, off-hours, spot, budget, report."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from config.instances import Region, partition
from config.nights import DAYS, too_short
from config.schedule import Zone
from config.section import Finding, Positive, Section, repeated
from config.wording import Shape

Mode = Literal["observe", "enforce"]
Minutes = Positive
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _is_written(value: object) -> object:
    # YAML reads 20:00 without quotes as the number 1200, and 2026-12-25 as a date.
    if isinstance(value, int):
        raise ValueError(f'must be in quotes, such as "{value // 60:02d}:{value % 60:02d}"')
    return value


def _is_a_time(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('must be hours and minutes in quotes, such as "20:00"')
    return value


def _is_a_date(value: object) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as error:
        raise ValueError("must be a date, such as 2026-12-25") from error


Time = Annotated[str, AfterValidator(_is_a_time), BeforeValidator(_is_written)]
Date = Annotated[str, BeforeValidator(_is_a_date)]
ResourceName = Annotated[
    str,
    Field(max_length=63),
    Shape(r"^[a-zA-Z0-9][a-zA-Z0-9-]*$", "must be of letters, digits and dashes, and begin with no dash"),
]
RoleArn = Annotated[
    str,
    Shape(
        r"^arn:[a-z-]+:iam::[0-9]{12}:role/[a-zA-Z0-9+=,.@_/-]+$",
        "must be the ARN of a role, with its partition, account and name",
    ),
]
ParameterName = Annotated[
    str,
    Field(max_length=1011),
    Shape(r"^(/[a-zA-Z0-9_.-]+)+$", "must be the name of a parameter from its first / on, such as /sluice/slack"),
]


class BySize(Section):
    """Minutes: `gpu` for whatever has an accelerator, `large` from 2xlarge on, `small` for all else."""

    gpu: Minutes
    large: Minutes
    small: Minutes


class IdleRule(Section):
    """`longest_minutes`: the most that an owner's tag `sluice:idle-minutes` may ask for."""

    mode: Mode = "observe"
    studio: BySize = BySize(gpu=30, large=120, small=240)
    endpoints: BySize = BySize(gpu=60, large=120, small=240)
    longest_minutes: Minutes = 1440


class TtlRule(Section):
    mode: Mode = "observe"


class StuckRule(Section):
    """Jobs that go on for `minutes` beyond their own limits."""

    mode: Mode = "observe"
    minutes: Minutes = 60


class OrphanRule(Section):
    """What nothing has needed for `days`; of a group's versions that are not approved, `keep_versions` stay."""

    mode: Mode = "observe"
    days: Positive = 30
    keep_versions: Positive = 10


class Sweep(Section):
    """`production`: names of what may be ended in production too. `own_only`: what bears no tag of a platform stays."""

    every_hours: Annotated[int, Field(ge=1, le=24)] = 1
    grace_minutes: Annotated[int, Field(ge=0, le=10_080)] = 60
    own_only: bool = True
    production: tuple[ResourceName, ...] = Field(default=(), max_length=20, strict=False)  # told to functions, in 4 KB
    idle: IdleRule = IdleRule()
    ttl: TtlRule = TtlRule()
    stuck: StuckRule = StuckRule()
    orphans: OrphanRule = OrphanRule()

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for place, name in repeated(raw.get("production")):
            yield ("production", *place), name, "is given twice"


class OffHours(Section):
    """Work goes on from `start_at` to `stop_at`, local time, on `working_days` that are no `holidays`."""

    mode: Mode = "observe"
    time_zone: Zone
    start_at: Time = "07:00"
    stop_at: Time = "20:00"
    working_days: tuple[Day, ...] = Field(default=("mon", "tue", "wed", "thu", "fri"), min_length=1, strict=False)
    holidays: tuple[Date, ...] = Field(default=(), max_length=60, strict=False)  # told to functions, in 4 KB

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for name in ("working_days", "holidays"):
            for place, value in repeated(raw.get(name)):
                yield (name, *place), value, "is given twice"
        start, stop = raw.get("start_at", "07:00"), raw.get("stop_at", "20:00")
        if isinstance(start, str) and isinstance(stop, str) and start >= stop:
            yield ("start_at",), start, f"must be before stop_at ({stop})"


class Spot(Section):
    """A training job on demand above `on_demand_usd_per_hour` is recorded, or stopped, unless its tag exempts it.

    A spot job that lacked capacity is started once more on demand: only recorded unless `fallback_mode` is enforce.
    `fallback` holds for jobs without the tag `sluice:fallback`.
    """

    mode: Mode = "observe"
    on_demand_usd_per_hour: Annotated[float, Field(ge=0, le=10_000)] = 1.0
    fallback: bool = True
    fallback_mode: Mode = "observe"


class JobLimits(Section):
    """Jobs that ask for more run time, instances or trainings than the guardrails say: recorded, or stopped."""

    mode: Mode = "observe"


class Budget(Section):
    """At `usd_per_month` people are told; with mode enforce new compute is denied as well, but in production.

    They are told before at each of `warn_percent`.
    """

    mode: Mode = "observe"
    usd_per_month: Annotated[float, Field(ge=0.01, le=100_000_000)]
    warn_percent: tuple[Annotated[int, Field(ge=1, le=99)], ...] = Field(default=(50, 80), strict=False)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for place, level in repeated(raw.get("warn_percent")):
            yield ("warn_percent", *place), level, "is given twice"


class Report(Section):
    """`slack_parameter`: the SSM parameter (SecureString) that holds the address of a Slack webhook."""

    at_hour: Annotated[int, Field(ge=0, le=23)] = 6
    slack_parameter: ParameterName | None = None


class Target(Section):
    """A region that is swept as well, in another account under a role that this account grants."""

    region: Region
    role_arn: RoleArn | None = None

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        region, role = str(raw.get("region")), str(raw.get("role_arn", ""))
        if role.startswith("arn:") and partition(region) not in (None, role.split(":")[1]):
            yield ("role_arn",), role, f"must be of {region}'s partition, arn:{partition(region)}:..."


def swept(raw: Mapping[str, Any]) -> Iterator[tuple[object, str]]:
    """Region and account of each raw target; the account is empty where it is the platform's own."""
    targets = raw.get("targets")
    for each in targets if isinstance(targets, list | tuple) else ():
        target = each if isinstance(each, Mapping) else {}
        yield target.get("region"), "".join(str(target.get("role_arn") or "").split(":")[4:5])


class Costs(Section):
    sweep: Sweep = Sweep()
    off_hours: OffHours | None = None
    spot: Spot = Spot()
    job_limits: JobLimits = JobLimits()
    budget: Budget | None = None
    report: Report = Report()
    targets: tuple[Target, ...] = Field(default=(), max_length=40, strict=False)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        yield from too_short(raw)
        targets = [*swept(raw)]
        for place, _ in repeated(targets):
            region, account = targets[int(place[0])]
            whose = f"account {account}" if account else "this account"
            if region:
                yield ("targets", *place, "region"), region, f"is given twice for {whose}, which would be counted twice"

    def policy(self, prefix: str, environment: str) -> dict[str, Any]:
        """What `controls.judgement.policy.policy` reads, as JSON: the settings of whatever decides what is ended."""
        sweep, hours = self.sweep, self.off_hours
        modes = {
            "idle": sweep.idle.mode,
            "ttl": sweep.ttl.mode,
            "stuck": sweep.stuck.mode,
            "orphan": sweep.orphans.mode,
            "off-hours": hours.mode if hours else "observe",
            "budget": self.budget.mode if self.budget else "observe",
            "spot": self.spot.mode,
            "job-limit": self.job_limits.mode,
        }
        return {
            "platform": prefix,
            "environment": environment,
            "studio_idle_minutes": sweep.idle.studio.model_dump(),
            "endpoint_idle_minutes": sweep.idle.endpoints.model_dump(),
            "longest_idle_minutes": sweep.idle.longest_minutes,
            "grace_minutes": sweep.grace_minutes,
            "stuck_minutes": sweep.stuck.minutes,
            "orphan_days": sweep.orphans.days,
            "keep_versions": sweep.orphans.keep_versions,
            "own_only": sweep.own_only,
            "production": sorted(sweep.production),
            "enforced": sorted(rule for rule, mode in modes.items() if mode == "enforce"),
            "off_hours": None
            if hours is None
            else {
                "time_zone": hours.time_zone,
                "start_at": hours.start_at,
                "stop_at": hours.stop_at,
                "working_days": sorted(map(DAYS.index, hours.working_days)),
                "holidays": sorted(hours.holidays),
            },
        }
