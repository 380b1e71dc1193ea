"""Off-hours: evenings, weekends and holidays of a place, through its changes of the clock."""

import importlib
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.judgement.hours import OffHours

worlds = importlib.import_module("tests.lambda.worlds")  # `lambda` is a keyword
BERLIN = OffHours(
    time_zone="Europe/Berlin",
    start_at=time(7),
    stop_at=time(20),
    working_days=frozenset(range(5)),
    holidays=frozenset({date(2026, 12, 25)}),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("now", "began"),
    [
        ("2026-11-23T06:00", None),  # 7:00 in Berlin
        ("2026-11-23T18:59", None),
        ("2026-11-23T19:00", "2026-11-23T19:00"),
        ("2026-11-23T05:59", "2026-11-20T19:00"),  # the weekend goes on until then
        ("2026-12-25T12:00", "2026-12-24T19:00"),
        ("2026-07-01T18:00", "2026-07-01T18:00"),  # summer time
    ],
)
def test_off_hours_began_when_work_last_ended(now: str, began: str | None) -> None:
    assert BERLIN.began(utc(now)) == (utc(began) if began else None)


def test_work_next_begins_after_weekend_and_holiday() -> None:
    assert BERLIN.next_start(utc("2026-12-24T20:00")) == utc("2026-12-28T06:00")
    assert BERLIN.next_start(utc("2026-11-23T06:00")) == utc("2026-11-24T06:00")


@pytest.mark.parametrize("sunday", ["2026-03-29", "2026-10-25"])
def test_the_day_after_the_clock_changes_begins_at_its_own_hour(sunday: str) -> None:
    start = BERLIN.next_start(utc(f"{sunday}T12:00"))
    assert start and start.astimezone(ZoneInfo("Europe/Berlin")).time() == time(7)


def test_nobody_works_in_a_month_without_a_working_day() -> None:
    closed = OffHours(
        time_zone="UTC",
        start_at=time(7),
        stop_at=time(20),
        working_days=frozenset({0}),
        holidays=frozenset(date(2026, 11, 23) + timedelta(days=7 * week) for week in range(-6, 7)),
    )
    assert closed.next_start(utc("2026-11-23T12:00")) is None
    assert closed.began(utc("2026-11-23T12:00")) == utc("2026-10-23T12:00")


def test_the_share_of_a_common_week() -> None:
    assert BERLIN.share(utc("2026-11-22T12:00")) == pytest.approx(1 - 5 * 13 / 168)


@worlds.PROPERTY
@given(worlds.off_hours, st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)))
def test_either_people_work_or_off_hours_have_begun(hours: OffHours, when: datetime) -> None:
    now = when.replace(tzinfo=worlds.NOW.tzinfo)
    began, start = hours.began(now), hours.next_start(now)
    local = now.astimezone(ZoneInfo(hours.time_zone))
    works = local.weekday() in hours.working_days and local.date() not in hours.holidays
    assert (began is None) is (works and hours.start_at <= local.time() < hours.stop_at)
    assert began is None or began <= now
    assert start is None or start > now
    assert 0 <= hours.share(now) <= 1
