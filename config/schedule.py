"""When a workload runs by itself."""

import re
from collections.abc import Iterator
from typing import Annotated, NamedTuple
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints

from config.section import Section


class Part(NamedTuple):
    """One field of a cron expression. `special`: what it takes beside numbers, or names, of `low` to `high`."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    special: str = ""


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_HOURS, _WEEKDAYS = Part("hours", 0, 23), Part("day-of-week", 1, 7, _DAYS, r"\?|L|(\w+)(?:L|#[1-5])")
_MINUTES = Part("minutes", 0, 59)
_PARTS = (
    *(_MINUTES, _HOURS, Part("day-of-month", 1, 31, special=r"\?|LW?|(\d+)W"), Part("month", 1, 12, _MONTHS)),
    *(_WEEKDAYS, Part("year", 1970, 2199)),
)
_DAY, _WEEK = 24 * 60, 7 * 24 * 60  # in minutes
_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)s?\)")
_UNITS = {"minute": 1, "hour": 60, "day": _DAY}


def _can_be(expression: str) -> str:
    """What Scheduler would refuse, as far as counting tells; source: AWS, "Schedule types in EventBridge Scheduler"."""
    kind, _, inner = expression[:-1].partition("(")
    if kind not in ("cron", "rate") or not re.fullmatch(r"\w+\([^()]*\)", expression):
        raise ValueError("must be a rate or a cron expression: rate(12 hours), cron(0 2 ? * * *)")
    if kind == "rate":
        if not _RATE.fullmatch(expression):
            raise ValueError("must be a number and a unit, minutes, hours or days: rate(12 hours)")
        return expression
    fields = inner.split()
    if len(fields) != len(_PARTS):
        raise ValueError(f"must have six fields, {' '.join(part.name for part in _PARTS)}, not {len(fields)}")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError("must have ? as day of month or as day of week, and not as both")
    for field, part in zip(fields, _PARTS, strict=True):
        _check(field, part)
    return expression


def _check(field: str, part: Part) -> None:
    try:
        for each in field.upper().split(","):
            special = re.fullmatch(part.special, each)
            of_numbers = each if not special else special[1] if special.lastindex else "*"
            list(_values(of_numbers, part))
    except ValueError as error:
        names = f" or {part.names[0]} to {part.names[-1]}" if part.names else ""
        told = f"has {field} as {part.name}, where cron takes {part.low} to {part.high}{names}"
        raise ValueError(f"{told}, *, and lists, ranges and steps of these") from error


def _is_known(zone: str) -> str:
    # Empty on a machine without the database of time zones.
    if (known := available_timezones()) and zone not in known:
        raise ValueError("must be a time zone of the IANA database, such as Europe/Berlin")
    return zone


# What Scheduler takes for an expression of its own kinds, but for one-time schedules.
Expression = Annotated[str, AfterValidator(_can_be)]
Zone = Annotated[str, StringConstraints(max_length=50), AfterValidator(_is_known)]


def minutes_between(expression: str) -> list[int] | None:
    """The minutes from each time of `expression` to the next, over a day or a week; None for what is not of every week.

    Raises ValueError for what is no expression. An hour that a change of the clocks adds is not counted.
    """
    _can_be(expression)
    if rate := _RATE.fullmatch(expression):
        return [int(rate[1]) * _UNITS[rate[2]]]
    minutes, hours, days, month, weekdays, year = expression[5:-1].split()
    if (month, year) != ("*", "*") or days not in ("*", "?"):
        return None
    try:
        of_week = [0] if weekdays in ("*", "?") else sorted({day - 1 for day in _values(weekdays, _WEEKDAYS)})
    except ValueError:  # of some weeks only
        return None
    times = [60 * hour + minute for hour in {*_values(hours, _HOURS)} for minute in {*_values(minutes, _MINUTES)}]
    moments = sorted(_DAY * day + time for day in of_week for time in times)
    again = moments[0] + (_DAY if weekdays in ("*", "?") else _WEEK)
    return [later - moment for moment, later in zip(moments, [*moments[1:], again], strict=True)]


def hours_apart(expression: str) -> int | None:
    """How many hours two times of `expression` are apart at most, rounded up; else as `minutes_between`."""
    minutes = minutes_between(expression)
    return None if minutes is None else -(-max(minutes) // 60)


def _values(field: str, part: Part) -> Iterator[int]:
    """The numbers of one field: *, 5, MON-FRI, 8-18/2, 0/6 and lists of these; a range may go over the end.

    Raises ValueError for what has another meaning.
    """
    size = part.high - part.low + 1
    for each in field.split(","):
        body, slash, step = each.partition("/")
        first, dash, last = (f"{part.low}-{part.high}" if body == "*" else body).partition("-")
        start = _number(first, part)
        end = _number(last, part) if dash else part.high if slash else start
        if slash and not re.fullmatch("0*[1-9][0-9]*", step):
            raise ValueError(each)
        for passed in range(0, (end - start) % size + 1, int(step or 1)):
            yield (start - part.low + passed) % size + part.low


def _number(text: str, part: Part) -> int:
    name = text.upper()
    if name not in part.names and not re.fullmatch("[0-9]+", text):
        raise ValueError(text)
    number = part.names.index(name) + part.low if name in part.names else int(text)
    if not part.low <= number <= part.high:
        raise ValueError(text)
    return number


class Schedule(Section):
    """When EventBridge Scheduler starts a run by itself."""

    expression: Expression
    time_zone: Zone = "UTC"
