"""Whether a monitor's windows fit its schedule: told where one fell silent, and each row judged a few times only."""

from collections.abc import Iterator, Mapping
from typing import Any

from config.schedule import minutes_between
from config.section import Finding

DAILY = "cron(0 2 ? * * *)"
HOURS = 24
# CloudWatch looks back seven days at most: what is further apart cannot be told from silence.
_MOST_MINUTES = 166 * 60
# Each window has its own share of false alarms, and a job that takes minutes to begin. A week each day is the most.
_MOST_WINDOWS = 7


def unfit(monitor: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong in the raw section `monitor`, if anything; of values that are wrong by themselves, nothing."""
    schedule, window = monitor.get("schedule", {"expression": DAILY}), monitor.get("window_hours", HOURS)
    expression = schedule.get("expression") if isinstance(schedule, Mapping) else None
    try:
        gaps = minutes_between(expression) if isinstance(expression, str) else [0]
    except ValueError:
        return
    place = ("schedule", "expression")
    if gaps is None:
        told = "must be of every week, with no month, year or day of the month, and no week of it"
        yield place, expression, f"{told}: a monitor that fell silent is told of within days"
    elif max(gaps) > _MOST_MINUTES:
        told = "must run at least every six days: CloudWatch looks back no further to see that it fell silent"
        yield place, expression, told
    elif 0 < min(gaps) < 60:
        yield place, expression, "must not run more often than hourly: no window is shorter than an hour"
    elif min(gaps) and isinstance(window, int):
        yield from _crowded(monitor, window, gaps)


def _crowded(monitor: Mapping[str, Any], window: int, gaps: list[int]) -> Iterator[Finding]:
    again = gaps * (_MOST_WINDOWS + 1)
    most = min(sum(again[start : start + _MOST_WINDOWS]) for start in range(len(gaps))) // 60
    if window > most:
        why = f"each row is judged in all windows that have it, {_MOST_WINDOWS} at most, and any may be a false alarm"
        if "window_hours" in monitor:
            yield ("window_hours",), window, f"must be at most {most} with this schedule: {why}"
        else:
            expression = monitor["schedule"]["expression"]
            yield ("schedule", "expression"), expression, f"needs window_hours of at most {most}, not {window}: {why}"
    process = monitor.get("process")
    seconds = process.get("max_run_seconds") if isinstance(process, Mapping) else None
    if isinstance(seconds, int) and seconds > 60 * min(gaps):
        told = f"must be at most {60 * min(gaps)}, the time to the next run"
        yield ("process", "max_run_seconds"), seconds, told
