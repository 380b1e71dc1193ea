"""How a month is counted. Pure: a reading and the one before it make the sum, however often they are told."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from controls.spending.month import DAY, Group, Month, Rates

# A meter that was silent for longer has raised its alarm; what lies farther back is left to AWS's bill.
LONGEST_GAP = timedelta(hours=24)
# A job that has ended is listed by then. Not verified: AWS promises no time.
SETTLING = timedelta(minutes=5)


@dataclass(frozen=True)
class Running:
    """What costs `usd_per_hour` at the time of a reading, and has since `since`."""

    group: Group
    usd_per_hour: float
    since: datetime


@dataclass(frozen=True)
class Ended:
    """A job that ended, and what it cost in all."""

    group: Group
    usd: float
    at: datetime


@dataclass(frozen=True)
class Reading:
    """All that costs at `at`. `unread`: region and kind of what could not be read this time.

    `ended` holds at least the jobs since the reading before; `in_progress_usd` what others have used until now.
    """

    at: datetime
    running: tuple[Running, ...] = ()
    ended: tuple[Ended, ...] = ()
    in_progress_usd: float = 0.0
    unread: frozenset[tuple[str, str]] = frozenset()


def begun(reading: Reading) -> Month:
    """That of the first reading of all: what was before it is not known, and not counted."""
    running = _now_running(reading, {}, reading.at)
    used = reading.in_progress_usd
    return Month(name=f"{reading.at:%Y-%m}", read_until=reading.at, running=running, in_progress_usd=used)


def advanced(month: Month, reading: Reading) -> Month:
    """`month` with what was used until `reading`, or until it ended; as it is, when it has been read until then.

    What ran at the reading before and is gone counts until this one: nothing tells when it ended. What began in
    between counts from when it did. So the sum is never below what ran at any reading, and above it by no more than
    the time between two readings for each end.
    """
    if reading.at <= month.read_until:
        return month
    for upto in _steps(month.read_until, min(reading.at, month.ends)):
        month = _advanced(month, reading, upto)
    return replace(month, in_progress_usd=reading.in_progress_usd if month.read_until == reading.at else 0.0)


def _steps(begin: datetime, end: datetime) -> Iterator[datetime]:
    """The midnights after `begin`, and `end`: what is spent belongs to a day."""
    midnight = datetime(begin.year, begin.month, begin.day, tzinfo=UTC) + DAY
    while midnight < end:
        yield midnight
        midnight += DAY
    if begin < end:
        yield end


def _advanced(month: Month, reading: Reading, upto: datetime) -> Month:
    last = month.read_until
    counted = max(last, reading.at - LONGEST_GAP)
    before = _sums((each.group, each.usd_per_hour) for each in reading.running if each.since <= last)
    began = [each for each in reading.running if last < each.since <= upto]
    # The dearer of both readings: what was there then is gone now, or has become larger since.
    went_on = {group: max(month.running.get(group, 0), before.get(group, 0)) for group in {*month.running, *before}}
    spent = [(group, rate * _hours(counted, upto)) for group, rate in went_on.items()]
    spent += [(each.group, each.usd_per_hour * _hours(max(each.since, counted), upto)) for each in began]
    jobs = [(job.group, job.usd) for job in reading.ended if last - SETTLING < job.at <= upto - SETTLING]
    day = f"{last:%Y-%m-%d}"
    for (_, _, team, owner, workload), usd in _sums([*spent, *jobs]).items():
        month = month.plus(usd, day, team=team, owner=owner, workload=workload)
    if upto == reading.at:
        running = _now_running(reading, went_on, upto)
    else:
        running = _sums([*went_on.items(), *((each.group, each.usd_per_hour) for each in began)])
    return replace(month, read_until=upto, running=running, jobs_usd=month.jobs_usd + sum(usd for _, usd in jobs))


def _now_running(reading: Reading, before: Rates, now: datetime) -> dict[Group, float]:
    """What could not be read is taken to run on as `before`. What began after the event's time is counted next time."""
    told = _sums((each.group, each.usd_per_hour) for each in reading.running if each.since <= now)
    unread = {group: usd for group, usd in before.items() if group[:2] in reading.unread}
    return {group: max(told.get(group, 0), unread.get(group, 0)) for group in {*told, *unread}}


def _hours(begin: datetime, end: datetime) -> float:
    return max((end - begin).total_seconds(), 0) / 3600


def _sums(amounts: Iterable[tuple[Group, float]]) -> dict[Group, float]:
    sums: defaultdict[Group, float] = defaultdict(float)
    for group, usd in amounts:
        sums[group] += usd
    return {group: usd for group, usd in sums.items() if usd > 0}
