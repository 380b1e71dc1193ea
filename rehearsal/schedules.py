"""When a schedule is due: rate(), cron() and at() expressions of EventBridge rules and EventBridge Scheduler.

Sources: EventBridge User Guide, "Setting a schedule pattern for scheduled rules"; EventBridge Scheduler User Guide,
"Schedule types". No maintained library reads AWS's six fields with ?, L, W, # and the year.
"""

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
LAST_YEAR = 2199


class Schedule:
    """An expression in a time zone. Raises ValueError if AWS would refuse it.

    `anchor` is the moment (epoch seconds) from which a rate counts. A rule runs for the first time one interval after
    it; a schedule of EventBridge Scheduler (`at_once`) at the anchor itself.
    """

    def __init__(self, expression: str, *, anchor: float, zone: str = "UTC", at_once: bool = False) -> None:
        kind, _, rest = expression.strip().partition("(")
        self._kind, self._anchor, self._at_once = kind, anchor, at_once
        if kind not in ("rate", "cron", "at") or not rest.endswith(")"):
            raise ValueError(f"Invalid Schedule Expression {expression}.")
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"Invalid ScheduleExpressionTimezone {zone}.") from error
        if kind == "rate":
            self._seconds = _rate(rest[:-1])
        elif kind == "at":
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", rest[:-1]):
                raise ValueError(f"Invalid Schedule Expression {expression}.")
            self._moment = datetime.fromisoformat(rest[:-1]).replace(tzinfo=self._zone).timestamp()
        else:
            self._cron = _Cron(rest[:-1])

    def next_after(self, moment: float) -> float | None:
        """The first due moment later than this one (both in epoch seconds), None if there is none."""
        if self._kind == "at":
            return self._moment if self._moment > moment else None
        if self._kind == "rate":
            runs = max(0 if self._at_once else 1, (moment - self._anchor) // self._seconds + 1)
            return self._anchor + runs * self._seconds
        local = datetime.fromtimestamp(moment, self._zone).replace(tzinfo=None)
        for wall in self._cron.from_day(local.date()):
            due = wall.replace(tzinfo=self._zone).timestamp()  # fold 0: of an hour that comes twice, the first
            exists = datetime.fromtimestamp(due, self._zone).replace(tzinfo=None) == wall
            if exists and due > moment:
                return due
        return None


def _rate(text: str) -> int:
    found = re.fullmatch(r"([1-9]\d*) +(minute|hour|day)(s?)", text)
    if not found or (int(found[1]) == 1) == bool(found[3]):
        raise ValueError(f"Invalid Schedule Expression rate({text}): 1 takes a singular unit, more a plural one.")
    return int(found[1]) * _UNITS[found[2]]


class _Cron:
    """Minutes, hours, day of month, month, day of week, year."""

    def __init__(self, text: str) -> None:
        fields = text.upper().split()
        if len(fields) != 6:
            raise ValueError(f"Invalid Schedule Expression cron({text}): six fields are required.")
        minutes, hours, days, months, weekdays, years = fields
        if (days == "?") == (weekdays == "?"):
            raise ValueError(f"Invalid Schedule Expression cron({text}): one of the two day fields must be ?.")
        self._times = [time(h, m) for h in sorted(_values(hours, 0, 23)) for m in sorted(_values(minutes, 0, 59))]
        self._months, self._years = _values(months, 1, 12, _MONTHS), _values(years, 1970, LAST_YEAR)
        self._days, self._weekdays = days, weekdays
        for month in (date(2024, 2, 1), date(2024, 3, 1)):
            self._in_month(month)  # a day field that cannot be read is refused here

    def from_day(self, first: date) -> Iterator[datetime]:
        """Wall times from that day on."""
        month = first.replace(day=1)
        while month.year <= LAST_YEAR:
            if month.year in self._years and month.month in self._months:
                for day in sorted(self._in_month(month)):
                    if (at := month.replace(day=day)) >= first:
                        yield from (datetime.combine(at, moment) for moment in self._times)
            if month.year == LAST_YEAR and month.month == 12:
                return
            month = (month + timedelta(days=31)).replace(day=1)

    def _in_month(self, month: date) -> set[int]:
        last = calendar.monthrange(month.year, month.month)[1]
        by_week = self._days == "?"
        found = set[int]()
        for part in (self._weekdays if by_week else self._days).split(","):
            found |= _weekdays(part, month, last) if by_week else _month_days(part, month, last)
        return found


def _month_days(part: str, month: date, last: int) -> set[int]:
    if part == "L":
        return {last}
    if part == "LW":
        return {_nearest_weekday(month, last, last)}
    if found := re.fullmatch(r"(\d{1,2})W", part):
        return {_nearest_weekday(month, int(found[1]), last)} if int(found[1]) <= last else set()
    return {day for day in _values(part, 1, 31) if day <= last}


def _nearest_weekday(month: date, day: int, last: int) -> int:
    """The Monday to Friday closest to a day of the month, within the month."""
    for distance in (0, -1, 1, -2, 2):
        if 1 <= day + distance <= last and month.replace(day=day + distance).isoweekday() <= 5:
            return day + distance
    raise AssertionError("no month has five days without a weekday")


def _weekdays(part: str, month: date, last: int) -> set[int]:
    def falling_on(wanted: int) -> list[int]:
        return [day for day in range(1, last + 1) if month.replace(day=day).isoweekday() % 7 + 1 == wanted]

    if part == "L":  # the last day of the week
        return set(falling_on(_DAYS["SAT"]))
    if found := re.fullmatch(r"(\w+)#([1-5])", part):
        (day,) = _values(found[1], 1, 7, _DAYS)
        return set(falling_on(day)[int(found[2]) - 1 : int(found[2])])
    if (found := re.fullmatch(r"(\w+)L", part)) and (found[1] in _DAYS or found[1].isdigit()):
        (day,) = _values(found[1], 1, 7, _DAYS)
        return set(falling_on(day)[-1:])
    return {day for wanted in _values(part, 1, 7, _DAYS) for day in falling_on(wanted)}


def _values(field: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """The values of one field of numbers, names, ranges, lists and increments. Raises ValueError."""
    found = set[int]()
    for part in field.split(","):
        body, _, step = part.partition("/")
        first, dash, until = body.partition("-")
        if body == "*":
            start, end = low, high
        else:
            start = _number(first, names)
            end = _number(until, names) if dash else high if step else start
        if not (low <= start <= high and low <= end <= high):
            raise ValueError(f"Invalid Schedule Expression: {part} is not between {low} and {high}.")
        span = (end - start) % (high - low + 1)  # AWS's example 20-2 goes over midnight
        found |= {(start - low + i) % (high - low + 1) + low for i in range(0, span + 1, _number(step or "1", None))}
    return found


def _number(text: str, names: dict[str, int] | None) -> int:
    if names and text in names:
        return names[text]
    if not text.isdigit():
        raise ValueError(f"Invalid Schedule Expression: {text!r} is not understood.")
    return int(text)


def utc(moment: float) -> str:
    """As Scheduler's context attributes write it: 2022-03-22T18:59:43Z."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
