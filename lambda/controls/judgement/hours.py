"""When nobody works: evenings, weekends and holidays of a place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Nobody is off for longer at a time; a longer row of holidays counts as open-ended.
_FARTHEST_DAYS = 31
_WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class OffHours:
    """Work goes on from `start_at` to `stop_at`, local time, on `working_days` (0: Monday) that are no holiday."""

    time_zone: str
    start_at: time
    stop_at: time
    working_days: frozenset[int]
    holidays: frozenset[date] = frozenset()

    def began(self, now: datetime) -> datetime | None:
        """When the off-hours began in which `now` lies; None while people work."""
        ended = None
        for start, stop in self._shifts(now):
            if start <= now < stop:
                return None
            if stop <= now:
                ended = stop
        return ended or now - timedelta(days=_FARTHEST_DAYS)

    def next_start(self, now: datetime) -> datetime | None:
        """When people next begin to work after `now`; None: not within a month."""
        return next((start for start, _ in self._shifts(now) if start > now), None)

    def share(self, now: datetime) -> float:
        """The part of the seven days before `now` in which nobody worked."""
        begin = now - _WEEK
        worked = sum(
            (max(min(stop, now) - max(start, begin), timedelta()) for start, stop in self._shifts(now)), timedelta()
        )
        return 1 - worked / _WEEK

    def _shifts(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Begin and end of each working day around `now`, in UTC, in order."""
        zone = ZoneInfo(self.time_zone)
        today = now.astimezone(zone).date()
        for offset in range(-_FARTHEST_DAYS, _FARTHEST_DAYS + 1):
            day = today + timedelta(days=offset)
            if day.weekday() in self.working_days and day not in self.holidays:
                yield (
                    datetime.combine(day, self.start_at, zone).astimezone(UTC),
                    datetime.combine(day, self.stop_at, zone).astimezone(UTC),
                )
