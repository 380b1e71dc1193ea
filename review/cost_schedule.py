"""How many times a month a schedule of EventBridge, Scheduler or SageMaker's monitors fires."""

import re
from functools import cache

DAYS_A_MONTH = 365 / 12
_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# One day of a month or one weekday of it: the last, the nearest working day, the second Friday.
_ONE_DAY = re.compile(r"L|LW|L-\d{1,2}|\d{1,2}W|\w{1,3}L|\w{1,3}#\d")


@cache
def runs_a_month(expression: str) -> float | None:
    """On average over a year; None if the expression cannot be read. What fires once fires once in this month.

    Source: AWS, "Schedule types in EventBridge Scheduler".
    """
    text = expression.strip()
    found = re.fullmatch(r"(cron|rate|at)\((.*)\)", text, re.IGNORECASE)
    if text.upper() == "NOW" or (found and found[1].lower() == "at"):
        return 1.0
    try:
        return (_of_rate if found[1].lower() == "rate" else _of_cron)(found[2]) if found else None
    except ValueError:
        return None


def _of_rate(inner: str) -> float:
    found = re.fullmatch(r"\s*([1-9]\d*)\s+(minute|hour|day)s?\s*", inner, re.IGNORECASE)
    if not found:
        raise ValueError(inner)
    return DAYS_A_MONTH * _MINUTES["day"] / (int(found[1]) * _MINUTES[found[2].lower()])


def _of_cron(inner: str) -> float:
    fields = inner.upper().split()
    if len(fields) not in (5, 6):
        raise ValueError(inner)
    minutes, hours, days, months, weekdays = fields[:5]
    a_day = len(_values(minutes, 0, 59)) * len(_values(hours, 0, 23))
    of_weekdays = _values(weekdays, 1, 7, _WEEKDAYS)
    if "L" in weekdays.split(",") or "#" in weekdays or re.search(r"\wL", weekdays):
        on = 1.0
    elif weekdays in ("?", "*"):
        on = min(len(_values(days, 1, 31)), DAYS_A_MONTH)
    else:
        on = DAYS_A_MONTH * len(of_weekdays) / 7
    return a_day * on * len(_values(months, 1, 12, _MONTHS)) / 12


def _values(field: str, lowest: int, highest: int, names: tuple[str, ...] = ()) -> set[int]:
    """What a field stands for. Raises ValueError."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        by = int(step or 1)
        if by < 1:
            raise ValueError(part)
        if span in ("*", "?"):
            first, last = lowest, highest
        elif _ONE_DAY.fullmatch(span) and span not in names:
            first = last = lowest
        else:
            start, _, end = span.partition("-")
            first = _value(start, lowest, highest, names)
            last = _value(end, lowest, highest, names) if end else highest if step else first
        whole = range(first, (last if last >= first else last + highest - lowest + 1) + 1, by)
        found.update((value - lowest) % (highest - lowest + 1) + lowest for value in whole)
    return found


def _value(text: str, lowest: int, highest: int, names: tuple[str, ...]) -> int:
    number = names.index(text) + 1 if text in names else int(text)
    if not lowest <= number <= highest:
        raise ValueError(text)
    return number
