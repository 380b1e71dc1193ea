"""Whether off-hours last long enough for a sweep to act in them: after its word to the owner, before people return."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from config.section import Finding

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 24 * 60


def too_short(costs: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong in the raw section `costs`, if anything; of values that are wrong by themselves, nothing."""
    hours, sweep = costs.get("off_hours"), costs.get("sweep", {})
    night = _shortest_minutes(hours) if isinstance(hours, Mapping) else None
    if night is None or not isinstance(sweep, Mapping):
        return
    every, grace = sweep.get("every_hours", 1), sweep.get("grace_minutes", 60)
    if not isinstance(every, int) or not isinstance(grace, int) or every < 1 or grace < 0:
        return
    told = f"the shortest off-hours last {night // 60}:{night % 60:02d} h"
    # The word comes up to one sweep after the first that could give it, and the deed with the first sweep after the
    # grace; off-hours are over for it when the next grace would reach into the morning.
    longest = (night // (every * 60) - 1) * every * 60
    if longest < 0:
        name, value, wrong = "every_hours", every, f"must be at most {night // 60}: {told}, in which there must be one"
    else:
        name, value = "grace_minutes", grace
        wrong = f"must be at most {longest}: {told}, and after a longer grace no sweep acts in them"
    if longest < 0 or grace > longest:
        if name in sweep and night >= 60:
            yield ("sweep", name), value, wrong
        else:
            stop = hours.get("stop_at", "20:00") if isinstance(hours, Mapping) else ""
            yield ("off_hours", "stop_at"), stop, f"is too late for costs.sweep.{name} ({value}): {told}"


def _shortest_minutes(hours: Mapping[str, Any]) -> int | None:
    """From the end of work to when it next begins, between any two working days."""
    start, stop = _minute(hours.get("start_at", "07:00")), _minute(hours.get("stop_at", "20:00"))
    days = hours.get("working_days", DAYS[:5])
    if start is None or stop is None or stop <= start or not isinstance(days, Sequence):
        return None
    numbers = sorted({DAYS.index(day) for day in days if day in DAYS})
    if not numbers:
        return None
    gaps = [(later - day) % 7 or 7 for day, later in zip(numbers, [*numbers[1:], numbers[0]], strict=True)]
    return min(gaps) * _DAY - (stop - start)


def _minute(time: object) -> int | None:
    """Of the day."""
    if isinstance(time, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", time):
        return int(time[:2]) * 60 + int(time[3:])
    return None
