"""When a workload runs by itself."""

import re
from collections.abc import Iterator
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints

from config.section import Section

_FIELDS = ("minutes", "hours", "day-of-month", "month", "day-of-week", "year")
_HIGHEST = (59, 23, 31, 12, 7, 2199)  # the highest number in each
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")  # 1 to 7
_DAY, _WEEK = 24 * 60, 7 * 24 * 60  # in minutes
_RATE = re.compile(r"rate\(([1-9][0-9]*) (minute|hour|day)s?\)")
_MINUTES = {"minute": 1, "hour": 60, "day": _DAY}


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
    if len(fields) != len(_FIELDS):
        raise ValueError(f"must have six fields, {' '.join(_FIELDS)}, not {len(fields)}")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError("must have ? as day of month or as day of week, and not as both")
    for field, highest in zip(fields, _HIGHEST, strict=True):
        if any(int(number) > highest for number in re.findall(r"[0-9]+", field)):
            raise ValueError(f"must have no number above {highest} in {field}")
    return expression


def _is_known(zone: str) -> str:
    # Empty on a machine without the database of time zones.
    if (known := available_timezones()) and zone not in known:
        raise ValueError("must be a time zone of the IANA database, such as Europe/Berlin")
    return zone


# What Scheduler takes for an expression of its own kinds, but for one-time schedules.
Expression = Annotated[str, AfterValidator(_can_be)]
Zone = Annotated[str, StringConstraints(max_length=50), AfterValidator(_is_known)]


def hours_apart(expression: str) -> int | None:
    """How many hours two times of `expression` are apart at most, rounded up; None for what is not of every week.

    Raises ValueError for what is no expression. An hour that a change of the clocks adds is not counted.
    """
    _can_be(expression)
    if rate := _RATE.fullmatch(expression):
        return -(-int(rate[1]) * _MINUTES[rate[2]] // 60)
    minutes, hours, days, month, weekdays, year = expression[5:-1].split()
    if (month, year) != ("*", "*") or days not in ("*", "?"):
        return None
    try:
        of_week = [0] if weekdays in ("*", "?") else sorted({day - 1 for day in _values(weekdays, 1, 7)})
        times = [60 * hour + minute for hour in {*_values(hours, 0, 23)} for minute in {*_values(minutes, 0, 59)}]
    except ValueError:
        return None
    moments = sorted(_DAY * day + time for day in of_week for time in times)
    again = moments[0] + (_DAY if weekdays in ("*", "?") else _WEEK)
    gaps = [later - moment for moment, later in zip(moments, [*moments[1:], again], strict=True)]
    return -(-max(gaps) // 60)


def _values(field: str, low: int, high: int) -> Iterator[int]:
    """The numbers of one field: *, 5, MON-FRI, 8-18/2, 0/6 and lists of these; a range may go over the end.

    Raises ValueError for what has another meaning.
    """
    for part in field.split(","):
        body, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if body == "*" else body).partition("-")
        start, end = _number(first), _number(last) if last else high if step else _number(first)
        if not low <= start <= high or not low <= end <= high:
            raise ValueError(part)
        size = high - low + 1
        for passed in range(0, (end - start) % size + 1, int(step or 1)):
            yield (start - low + passed) % size + low


def _number(text: str) -> int:
    return _DAYS.index(name) + 1 if (name := text.upper()) in _DAYS else int(text)


class Schedule(Section):
    """When EventBridge Scheduler starts a run by itself."""

    expression: Expression
    time_zone: Zone = "UTC"
