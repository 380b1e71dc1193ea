"""The months of a platform in its ledger. Each change is one write that holds only if nobody wrote in between."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from controls.ledger import Ledger
from controls.spending.counting import LONGEST_GAP, SETTLING, Reading, advanced, begun
from controls.spending.month import Month

TOPIC = "budget"
_ATTEMPTS = 5


class ContendedError(RuntimeError):
    """Others wrote the month each time that it was to be written."""


def recall(ledger: Ledger, name: str) -> Month | None:
    item = ledger.recall(TOPIC, name)
    return Month.of(item) if item else None


def read_until(ledger: Ledger, now: datetime) -> datetime:
    """Until when all is counted; before the first reading, now."""
    month = recall(ledger, f"{now:%Y-%m}") or _neighbour(ledger, now)
    return month.read_until if month else now


def jobs_since(begin: datetime) -> datetime:
    """After when the jobs ended of which a reading that goes on from `begin` must know."""
    return begin - SETTLING


def take(ledger: Ledger, reading: Reading) -> Month | None:
    """The month with everything until `reading`, of which nothing is counted twice; None if a later one was taken.

    The month before is closed first: what runs into a new month is counted in both, up to midnight and from it.
    Raises ContendedError.
    """
    name = f"{reading.at:%Y-%m}"
    for _ in range(_ATTEMPTS):
        month = recall(ledger, name)
        if month:
            late = reading.at < month.read_until
            return None if late else revised(ledger, name, lambda known: advanced(known, reading))
        before = _neighbour(ledger, reading.at)
        if before and reading.at < before.read_until:
            return None
        closed = revised(ledger, before.name, lambda known: advanced(known, reading)) if before else None
        fresh = advanced(closed.after(), reading) if closed else begun(reading)
        if ledger.revise(TOPIC, name, 0, **fresh.members):
            return replace(fresh, revision=1)
    raise ContendedError(f"the budget of {name} is written by others each time")


def revised(ledger: Ledger, name: str, change: Callable[[Month], Month]) -> Month | None:
    """The month `name` after `change`, which is made anew if others wrote in between; None if it is not there.

    Raises ContendedError.
    """
    for _ in range(_ATTEMPTS):
        month = recall(ledger, name)
        if month is None:
            return None
        changed = change(month)
        if changed == month:
            return month
        if ledger.revise(TOPIC, name, month.revision, **changed.members):
            return replace(changed, revision=month.revision + 1)
    raise ContendedError(f"the budget of {name} is written by others each time")


def enter(ledger: Ledger, month: Month, about: str, outcome: str, reason: str, at: str, **more: Any) -> None:
    """Record what became of a month's budget at `at`; of the same at the same time there is one entry."""
    ledger.enter(
        f"{TOPIC}/{month.name}/{about}",
        at=at,
        day=at[:10],
        kind=TOPIC,
        name=month.name,
        rule=TOPIC,
        action=about,
        outcome=outcome,
        reason=reason,
        **more,
    )


def enter_gap(ledger: Ledger, month: Month, begin: datetime, now: datetime) -> None:
    """Record for how long nothing is counted by the hour; nothing where all is."""
    left_out = now - begin - LONGEST_GAP
    if left_out > timedelta():
        told = f"not read since {begin:%Y-%m-%d %H:%M} UTC: {left_out} of it are left to AWS's bill"
        enter(ledger, month, "gap", "not-metered", told, now.isoformat())


def _neighbour(ledger: Ledger, now: datetime) -> Month | None:
    """The month after that of `now`, which makes it late, or the one before."""
    begins = now.replace(day=1)
    names = [f"{begins + timedelta(days=31):%Y-%m}", f"{begins - timedelta(days=1):%Y-%m}"]
    return next((month for name in names if (month := recall(ledger, name))), None)
