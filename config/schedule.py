"""When a workload runs by itself."""

import re
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints

from config.section import Section

# The highest number in each field of a cron expression: minutes, hours, day of month, month, day of week, year.
_HIGHEST = (59, 23, 31, 12, 7, 2199)


def _can_be(expression: str) -> str:
    """What Scheduler would refuse, as far as counting tells; source: AWS, "Schedule types in EventBridge Scheduler"."""
    kind, _, inner = expression[:-1].partition("(")
    if kind == "rate":
        if not re.fullmatch(r"[1-9][0-9]* (minutes?|hours?|days?)", inner):
            raise ValueError("must be a number and a unit, minutes, hours or days: rate(12 hours)")
        return expression
    fields = inner.split()
    if len(fields) != len(_HIGHEST):
        raise ValueError(f"must have six fields, minutes hours day-of-month month day-of-week year, not {len(fields)}")
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
Expression = Annotated[str, StringConstraints(pattern=r"^(cron|rate)\([^()]+\)$"), AfterValidator(_can_be)]
Zone = Annotated[str, StringConstraints(max_length=50), AfterValidator(_is_known)]


_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def hours_apart(expression: str) -> int | None:
    """How many hours two times of `expression` are apart at most, rounded up; None for what is not of every week."""
    kind, _, inner = expression[:-1].partition("(")
    fields = inner.split()
    if kind == "rate":
        number, unit = int(fields[0]), fields[1].rstrip("s")
        return -(-number // 60) if unit == "minute" else number * (24 if unit == "day" else 1)
    if len(fields) != len(_HIGHEST) or fields[3] != "*" or fields[5] != "*" or fields[2] not in ("*", "?"):
        return None
    if fields[4] in ("*", "?"):
        return 1 if fields[1] == "*" else 24
    days = sorted({day for part in fields[4].split(",") for day in _weekdays(part)})
    gaps = [later - day for day, later in zip(days, [*days[1:], *(day + 7 for day in days[:1])], strict=True)]
    return 24 * max(gaps, default=0) or None


def _weekdays(part: str) -> list[int]:
    """The days of `MON`, `2` or `MON-FRI`, Sunday being 1; none of what has another meaning."""
    ends = [_DAYS.index(end) + 1 if end in _DAYS else int(end) if end.isdigit() else 0 for end in part.split("-")]
    return list(range(ends[0], ends[-1] + 1)) if min(ends) > 0 else []


class Schedule(Section):
    """When EventBridge Scheduler starts a run by itself."""

    expression: Expression
    time_zone: Zone = "UTC"
