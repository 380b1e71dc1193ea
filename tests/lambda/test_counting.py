"""What the meter counts is what ran, whatever becomes of its readings."""

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from controls import clients
from controls.ledger import Ledger
from controls.spending import budget
from controls.spending.counting import LONGEST_GAP, SETTLING, Ended, Reading, Running, advanced, begun
from controls.spending.month import Month

budget_cloud = importlib.import_module("tests.lambda.budget_cloud")  # `lambda` is a keyword
EXAMPLES = {"default": 300, "nightly": 5_000}[os.environ.get("SLUICE_PROFILE", "default")]
MANY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Hours from here cross the end of a month after a day.
BEGIN = datetime(2026, 11, 29, 22, 0, tzinfo=UTC)
HOURS = 60


def at(minutes: int) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


@dataclass(frozen=True)
class Thing:
    """Something that runs from minute `start` to minute `end` at whole cents an hour."""

    start: int
    end: int
    cents: int
    owner: str

    @property
    def group(self) -> tuple[str, str, str, str, str]:
        return "us-east-1", "notebook-instance", "vision", self.owner, "digits"

    def usd(self, begin: int, end: int) -> float:
        return max(min(self.end, end) - max(self.start, begin), 0) / 60 * self.cents / 100


def reading(things: list[Thing], jobs: list[Thing], minute: int, begin: int) -> Reading:
    """As the meter reads the world at `minute`; of jobs those that ended since `begin`, some of them long before."""
    running = [Running(t.group, t.cents / 100, at(t.start)) for t in things if t.start <= minute < t.end]
    ended = [Ended(j.group, j.usd(0, HOURS * 60), at(j.end)) for j in jobs if begin - 60 < j.end <= minute]
    return Reading(at=at(minute), running=tuple(running), ended=tuple(ended))


things = st.builds(
    lambda start, length, cents, owner: Thing(start, start + length, cents, owner),
    st.integers(-600, HOURS * 60),
    st.integers(1, 2000),
    st.integers(1, 4000),
    st.sampled_from(["ada", "grace", ""]),
)
minutes = st.lists(st.integers(1, HOURS * 60), min_size=1, max_size=25).map(lambda some: sorted({0, *some}))


def counted(months: list[Month]) -> float:
    return sum(month.spent_usd for month in months)


class World:
    """A ledger in the in-memory cloud, and the readings that were taken."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud

    def take(self, things: list[Thing], jobs: list[Thing], minute: int) -> Month | None:
        ledger = Ledger(clients.client("dynamodb"), "ledger", now=at(minute))
        begin = budget.read_until(ledger, at(minute))
        if at(minute) < begin:
            return None
        since = (begin - BEGIN) // timedelta(minutes=1) - SETTLING // timedelta(minutes=1)
        return budget.take(ledger, reading(things, jobs, minute, since))

    def months(self) -> list[Month]:
        ledger = Ledger(clients.client("dynamodb"), "ledger", now=BEGIN)
        return [month for name in ("2026-11", "2026-12") if (month := budget.recall(ledger, name))]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, new_cloud: Callable[[], Any]) -> Callable[[], World]:
    monkeypatch.setattr(budget_cloud.in_memory, "Cloud", budget_cloud.Cloud)
    return lambda: World(new_cloud())


@pytest.mark.slow
@MANY
@given(things=st.lists(things, max_size=6), jobs=st.lists(things, max_size=6), taken=minutes, data=st.data())
def test_lost_doubled_reordered_and_broken_off_readings_count_what_one_run_of_all_counts(
    world: Callable[[], World], things: list[Thing], jobs: list[Thing], taken: list[int], data: st.DataObject
) -> None:
    """Taken once each and in order, from the readings that were the first at their time to come through."""
    some, through = world(), list[int]()
    last = -1
    for minute in data.draw(st.permutations([*taken, *taken])) if data.draw(st.booleans()) else [*taken, *taken]:
        crash = data.draw(st.one_of(st.none(), st.integers(1, 6)))
        some.cloud.crash_after = len(some.cloud.calls) + crash if crash else None
        try:
            some.take(things, jobs, minute)
        except budget_cloud.CrashError:
            some.cloud.crash_after = None
            some.take(things, jobs, minute)  # Lambda tries again
        some.cloud.crash_after = None
        if minute > last:
            through.append(minute)
            last = minute
    month, months = None, list[Month]()
    for minute in through:
        found = reading(things, jobs, minute, -10_000)
        if month is None:
            month = begun(found)
            continue
        if found.at > month.ends:
            months.append(advanced(month, found))
            month = months[-1].after()
        month = advanced(month, found)

    assert month is not None
    assert counted(some.months()) == pytest.approx(counted([*months, month]), abs=1e-9)


@MANY
@given(things=st.lists(things, max_size=8), taken=minutes)
def test_what_any_reading_saw_is_never_counted_too_low_and_too_high_only_by_the_reading_after_its_end(
    things: list[Thing], taken: list[int]
) -> None:
    month = begun(reading(things, [], taken[0], 0))
    total, steps = 0.0, list(pairwise(taken))
    for _, minute in steps:
        found = reading(things, [], minute, 0)
        if found.at > month.ends:
            closed = advanced(month, found)
            total, month = total + closed.spent_usd, closed.after()
        month = advanced(month, found)
    total += month.spent_usd
    gap = LONGEST_GAP // timedelta(minutes=1)
    seen = [thing for thing in things if any(thing.start <= minute < thing.end for minute in taken)]
    least = sum(thing.usd(max(a, b - gap), b) for thing in seen for a, b in steps)
    surplus = sum(
        (b - max(thing.end, b - gap, a)) / 60 * thing.cents / 100
        for thing in seen
        for a, b in steps
        if a < thing.end <= b and thing.start <= a
    )
    assert least - 1e-9 <= total <= least + surplus + 1e-9


@MANY
# One begins at midnight to the second.
@example(things=[Thing(0, 16, 1, "ada"), Thing(120, 136, 1, "ada")], ends=[1, 9])
@given(things=st.lists(things, max_size=6), ends=st.lists(st.integers(1, 200), min_size=2, max_size=30))
def test_what_ends_with_a_reading_is_counted_to_the_second(things: list[Thing], ends: list[int]) -> None:
    taken = sorted({0, *(15 * each for each in ends if 15 * each <= HOURS * 60)})
    aligned = [Thing(t.start, min((m for m in taken if m >= t.end), default=t.end), t.cents, t.owner) for t in things]
    aligned = [t for t in aligned if any(t.start <= minute < t.end for minute in taken)]
    month = begun(reading(aligned, [], taken[0], 0))
    total = 0.0
    for minute in taken[1:]:
        found = reading(aligned, [], minute, 0)
        if found.at > month.ends:
            closed = advanced(month, found)
            total, month = total + closed.spent_usd, closed.after()
        month = advanced(month, found)
    gaps = all(b - a <= LONGEST_GAP // timedelta(minutes=1) for a, b in pairwise(taken))
    if gaps:
        assert total + month.spent_usd == pytest.approx(sum(t.usd(0, taken[-1]) for t in aligned), abs=1e-9)


@pytest.mark.slow
@MANY
@given(jobs=st.lists(things, min_size=1, max_size=8), taken=minutes)
def test_each_job_is_counted_once_in_the_reading_in_which_it_had_settled(
    world: Callable[[], World], jobs: list[Thing], taken: list[int]
) -> None:
    some, settled = world(), SETTLING // timedelta(minutes=1)
    for minute in taken:
        some.take([], jobs, minute)
    wanted = sum(j.usd(0, HOURS * 60) for j in jobs if -settled < j.end <= taken[-1] - settled)
    assert sum(month.jobs_usd for month in some.months()) == pytest.approx(wanted, abs=1e-9)


def one(**members: Any) -> Running:
    group = ("us-east-1", members.pop("kind", "endpoint"), "vision", "ada", "digits")
    return Running(group, members.get("usd", 2.0), members.get("since", BEGIN - timedelta(days=2)))


def test_what_is_spent_belongs_to_its_day_and_its_people() -> None:
    month = advanced(begun(Reading(BEGIN, (one(),))), Reading(BEGIN + timedelta(hours=4), (one(),)))
    assert dict(month.by_day) == {"2026-11-29": 4.0, "2026-11-30": 4.0}
    assert month.by_team == {"vision": 8.0} and month.by_owner == {"ada": 8.0} and month.by_workload == {"digits": 8.0}
    assert month.usd_per_hour == 2.0


def test_a_new_month_begins_at_zero_with_what_runs() -> None:
    late = Reading(datetime(2026, 12, 1, 1, tzinfo=UTC), (one(),))
    month = advanced(begun(Reading(datetime(2026, 11, 30, 23, tzinfo=UTC), (one(),))), late)
    assert (month.spent_usd, month.read_until) == (2.0, month.ends)
    following = advanced(month.after(), late)
    assert (following.name, following.spent_usd, following.read_until) == ("2026-12", 2.0, late.at)


def test_of_a_long_silence_only_the_last_day_is_counted_by_the_hour() -> None:
    month = begun(Reading(BEGIN - timedelta(days=20), (one(since=BEGIN - timedelta(days=40)),)))
    assert advanced(month, Reading(BEGIN, (one(since=BEGIN - timedelta(days=40)),))).spent_usd == 48.0


def test_what_could_not_be_read_is_taken_to_run_on() -> None:
    hour, unread = timedelta(hours=1), frozenset({("us-east-1", "endpoint")})
    month = begun(Reading(BEGIN, (one(),)))
    month = advanced(month, Reading(BEGIN + hour / 2, (), unread=unread))
    assert month.usd_per_hour == 2.0
    month = advanced(month, Reading(BEGIN + hour, (one(),)))
    assert month.spent_usd == 2.0


def test_what_grew_between_two_readings_counts_at_its_larger_size() -> None:
    month = advanced(begun(Reading(BEGIN, (one(),))), Reading(BEGIN + timedelta(hours=1), (one(usd=6.0),)))
    assert month.spent_usd == 6.0


def test_a_month_is_remembered_as_it_is(world: Callable[[], World]) -> None:
    some = world()
    things = [Thing(-10, 2000, 123, "ada"), Thing(10, 20, 7, "")]
    for minute in (0, 15, 30):
        found = some.take(things, [Thing(1, 12, 300, "grace")], minute)
    assert some.months() == [found]
