"""What a month's use means for its limit. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from controls.spending.month import NOT_NAMED, Month

WHOLE = 100
_MOST = 5  # lines of each list in a mail


def judged(month: Month, *, limit_usd: float, warn_percent: Iterable[int], freezes: bool, now: datetime) -> Month:
    """`month` with the levels that it has reached, and frozen if `freezes` and its limit is spent.

    A new limit begins anew: all levels, and what a person thawed. Else a month that is frozen stays so, even if a job
    turns out cheaper than it looked, and one that a person thawed is not frozen again.
    """
    if month.limit_usd != limit_usd:
        month = replace(month, limit_usd=limit_usd, reached={}, told=(), frozen_since="", thawed_by="", thawed_at="")
    reached = {str(level): now.isoformat() for level in (*warn_percent, WHOLE) if _is_reached(month, level)}
    month = replace(month, reached={**reached, **month.reached})
    if freezes and _is_reached(month, WHOLE) and not (month.frozen_since or month.thawed_by):
        month = replace(month, frozen_since=now.isoformat())
    return month


def share(month: Month) -> float:
    """The part of the limit that is used."""
    return month.used_usd / month.limit_usd


def subject(month: Month, level: str, platform: str) -> str:
    return f"[{platform}] {level} % of the budget for {month.name} is used"


def message(month: Month, *, freezes: bool) -> str:
    """What a person is told of a level."""
    used = f"{month.used_usd:.2f} of {month.limit_usd:.2f} USD ({share(month):.0%}) is used"
    parts = [f"{used}; what runs beside jobs costs {month.usd_per_hour:.2f} USD an hour.", _outlook(month, freezes)]
    for name, amounts in (("team", month.by_team), ("owner", month.by_owner), ("workload", month.by_workload)):
        most = sorted(amounts.items(), key=lambda each: (-each[1], each[0]))[:_MOST]
        parts.append("\n".join([f"By {name}:", *(f"  {usd:10.2f} USD  {who}" for who, usd in most)]))
    if NOT_NAMED in month.by_owner:
        parts.append("Tag what you make with sluice:owner and sluice:workload, and it is told here whose it is.")
    return "\n\n".join(parts)


def _outlook(month: Month, freezes: bool) -> str:
    if month.frozen_since:
        return (
            "No new compute can be started, and what runs is stopped after its grace unless it is kept. "
            "It ends with the month, by a higher budget in the configuration, or by: sluice thaw"
        )
    if month.thawed_by:
        return f"{month.thawed_by} has thawed it: the rest of the month has no limit."
    if freezes:
        return "At 100 % no new compute can be started, and what runs is stopped unless it is kept."
    return "Nothing is stopped: the budget is only observed."


def _is_reached(month: Month, level: int) -> bool:
    return month.used_usd >= month.limit_usd * level / WHOLE
