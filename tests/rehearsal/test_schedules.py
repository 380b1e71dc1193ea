"""Schedules against the examples of EventBridge's guides."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rehearsal.schedules import Schedule


def moments(expression: str, since: str, count: int = 3, zone: str = "UTC", **kind: Any) -> list[str]:
    """The next moments as wall time of the zone."""
    start = datetime.fromisoformat(since).replace(tzinfo=ZoneInfo(zone)).timestamp()
    schedule, found, at = Schedule(expression, anchor=start, zone=zone, **kind), list[str](), start - 1
    while len(found) < count and (due := schedule.next_after(at)) is not None:
        found.append(f"{datetime.fromtimestamp(due, ZoneInfo(zone)):%Y-%m-%dT%H:%M}")
        at = due
    return found


# "Setting a schedule pattern for scheduled rules": the examples of its table and of its wildcards. 2026-07-01 is a
# Wednesday.
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-07-01T10:00", "2026-07-02T10:00", "2026-07-03T10:00"]),
        ("cron(15 12 * * ? *)", ["2026-07-01T12:15", "2026-07-02T12:15", "2026-07-03T12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-07-01T18:00", "2026-07-02T18:00", "2026-07-03T18:00", "2026-07-06T18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-07-01T08:00", "2026-08-01T08:00", "2026-09-01T08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-07-01T00:00", "2026-07-01T00:15", "2026-07-01T00:30"]),
        ("cron(0/10 * ? * MON-FRI *)", ["2026-07-01T00:00", "2026-07-01T00:10", "2026-07-01T00:20"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-07-01T08:00", "2026-07-01T08:05", "2026-07-01T08:10"]),
        ("cron(5,35 14 * * ? *)", ["2026-07-01T14:05", "2026-07-01T14:35", "2026-07-02T14:05"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["2026-07-31T10:15", "2026-08-28T10:15", "2026-09-25T10:15"]),
        ("cron(1/10 0 1 JAN,FEB ? *)", ["2027-01-01T00:01", "2027-01-01T00:11", "2027-01-01T00:21"]),
        ("cron(0 0 ? * 3#2 *)", ["2026-07-14T00:00", "2026-08-11T00:00", "2026-09-08T00:00"]),
        ("cron(0 0 3W * ? *)", ["2026-07-03T00:00", "2026-08-03T00:00", "2026-09-03T00:00", "2026-10-02T00:00"]),
        ("cron(0 0 1W * ? *)", ["2026-07-01T00:00", "2026-08-03T00:00"]),
        ("cron(0 0 L * ? *)", ["2026-07-31T00:00", "2026-08-31T00:00", "2026-09-30T00:00"]),
        ("cron(0 0 ? * L *)", ["2026-07-04T00:00", "2026-07-11T00:00"]),
        ("cron(0/30 20-2 ? * WED *)", ["2026-07-01T00:00", "2026-07-01T00:30", "2026-07-01T01:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"]),
    ],
)
def test_cron_expressions_run_as_the_guide_says(expression: str, expected: list[str]) -> None:
    assert moments(expression, "2026-07-01T00:00", len(expected)) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 10 * * * *)",  # "You can't specify the Day-of-month and Day-of-week fields in the same cron expression"
        "cron(0 10 ? * ? *)",
        "cron(0 10 * * ?)",
        "cron(60 10 * * ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * 3#6 *)",
        "cron(0 0 32 * ? *)",
        "rate(1 hours)",  # "rate(1 hours) and rate(5 hour) aren't valid, but rate(1 hour) and rate(5 hours) are valid"
        "rate(5 hour)",
        "rate(0 minutes)",
        "rate(2 weeks)",
        "at(2026-07-01)",
        "every day",
    ],
)
def test_an_expression_that_aws_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="Invalid Schedule Expression"):
        Schedule(expression, anchor=0)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="Mars/Olympus"):
        Schedule("rate(1 hour)", anchor=0, zone="Mars/Olympus")


def test_a_year_that_is_past_never_runs() -> None:
    assert moments("cron(0 0 1 1 ? 2020)", "2026-07-01T00:00") == []


def test_a_rule_first_runs_one_interval_after_its_creation_and_a_schedule_at_once() -> None:
    # "A rate expression starts when you create the scheduled event rule"; "If you do not provide a StartDate for a
    # rate-based schedule, your schedule starts invoking the target immediately."
    assert moments("rate(5 minutes)", "2026-07-01T00:02", 2) == ["2026-07-01T00:07", "2026-07-01T00:12"]
    assert moments("rate(1 day)", "2026-07-01T00:02", 2, at_once=True) == ["2026-07-01T00:02", "2026-07-02T00:02"]


def test_a_one_time_schedule_runs_once_at_its_zone_s_time() -> None:
    assert moments("at(2026-07-01T09:30:00)", "2026-07-01T00:00", zone="Asia/Tokyo") == ["2026-07-01T09:30"]
    due = Schedule("at(2026-07-01T09:30:00)", anchor=0, zone="Asia/Tokyo").next_after(0)
    assert due == datetime(2026, 7, 1, 0, 30, tzinfo=UTC).timestamp()


# "Daylight savings time on EventBridge Scheduler": a time that does not exist is skipped, one that comes twice runs
# once. In New York the clocks go forward on 2026-03-08 at 2:00 and back on 2026-11-01 at 2:00.
def test_a_time_that_does_not_exist_when_clocks_go_forward_is_skipped() -> None:
    found = moments("cron(30 2 * * ? *)", "2026-03-07T00:00", zone="America/New_York")
    assert found == ["2026-03-07T02:30", "2026-03-09T02:30", "2026-03-10T02:30"]


def test_a_time_that_comes_twice_when_clocks_go_back_runs_once() -> None:
    found = moments("cron(30 1 * * ? *)", "2026-10-31T00:00", zone="America/New_York")
    assert found == ["2026-10-31T01:30", "2026-11-01T01:30", "2026-11-02T01:30"]


def test_a_rate_of_days_is_of_24_hours_whatever_the_clocks_do() -> None:
    found = moments("rate(1 day)", "2026-10-31T12:00", 2, zone="America/New_York", at_once=True)
    assert found == ["2026-10-31T12:00", "2026-11-01T11:00"]
