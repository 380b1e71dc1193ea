"""What people and jobs want in a month, whatever the controls do about it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.money.traces import MONTH_DAYS
from controls.resource import Kind

ZONE = "Europe/Berlin"
# A month of 30 days that begins on a Monday and in which no clock is changed.
BEGIN = datetime(2026, 6, 1, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
DAY = 1440
END = MONTH_DAYS * DAY
# Minutes count from the month's begin; a week is played before it, of which things are left over, and not billed.
WARM_UP = -7 * DAY


def moment(minute: int) -> datetime:
    return BEGIN + timedelta(minutes=minute)


@dataclass(frozen=True)
class Use:
    """In use from `start` to before `end`; then `kernel`: something stays open, `tidied`: its user ends it."""

    start: int
    end: int
    kernel: bool = True
    tidied: bool = False


@dataclass(frozen=True, kw_only=True)
class Thing:
    """An app, a notebook instance or an endpoint that people want at times, in order of `uses`, which do not overlap.

    `made`: when it is first started; without uses that was for nothing. `start_minutes`: what each start takes.
    """

    kind: Kind
    name: str
    instance_type: str
    usd_per_hour: float
    start_minutes: int
    made: int
    uses: tuple[Use, ...]
    environment: str = "dev"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A training job that somebody asks for in the month.

    `minutes`: what it works. `waits`: minutes until spot capacity comes at each start, None where it does not in time.
    `breaks`: after how many minutes on spot it would be interrupted, and how many minutes of work that costs.
    `around`: its owner starts it on demand past the compiled pipelines. `exempted`: its tag says why it must be.
    """

    name: str
    minutes: float
    instance_type: str
    count: int
    usd_per_hour: float
    saving: float
    around: bool
    exempted: bool
    waits: tuple[float | None, ...]
    breaks: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class World:
    things: tuple[Thing, ...]
    jobs: tuple[Job, ...]
