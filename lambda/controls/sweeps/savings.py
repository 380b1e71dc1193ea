"""What was saved by ending something: the hours that it was away, at what it cost by the hour. Measured, not promised.

Of what was ended the ledger remembers under `ended`, by ARN, what it was and cost, when it was ended and until when its
hours are entered. Each sweep looks whether it is there again. Once it is, or the day (UTC) has passed, the hours since
then are entered as `saved`. What is there again is forgotten, and what has been away for 30 days: nobody knows whether
it would still be there. Of jobs nothing is entered here: nobody knows when one would have ended.

An entry is keyed by when its hours begin. So one that is written twice, or again later for more hours, counts once.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from controls.judgement.policy import Verdict
from controls.ledger import Item, Ledger, entry_of, members
from controls.resource import JOBS, Kind, Resource, running

_COUNTED = timedelta(days=30)
_HOUR = timedelta(hours=1)


def begin(ledger: Ledger, resource: Resource, verdict: Verdict, at: datetime) -> Item:
    """Remember that `resource` is about to be ended; the answer is for `away`, once it is."""
    when = at.isoformat()
    item = {**entry_of(resource, verdict), "ended_at": when, "entered_until": when, "pending": True}
    ledger.remember("ended", resource.arn, **item)
    return {**item, "at": resource.arn}


def away(ledger: Ledger, item: Item) -> None:
    """It is ended: from now on its hours are counted, if there is anything to count."""
    if item["usd_per_hour"] > 0 and Kind(item["kind"]) not in JOBS:
        ledger.remember("ended", item["at"], **{**members(item), "pending": False})
    else:
        ledger.forget("ended", item["at"])


def measure(
    ledger: Ledger, items: Collection[Item], present: Mapping[str, Resource], *, unread: Collection[Kind], now: datetime
) -> None:
    """Settle what an earlier run was cut off at, and enter what is due. `present`: what there is now, by ARN.

    Of kinds that are `unread` nothing is known.
    """
    for item in items:
        if Kind(item["kind"]) in unread:
            continue
        resource = present.get(item["at"])
        back = resource is not None and _costs(resource)
        if item["pending"]:
            _settle(ledger, item, there=back)
        else:
            _enter(ledger, item, back_at=resource.changed_at if resource and back else None, now=now)


def _costs(resource: Resource) -> bool:
    return resource.status == "" or (running(resource) and resource.usd_per_hour > 0) or resource.kind in JOBS


def _settle(ledger: Ledger, item: Item, *, there: bool) -> None:
    """The run that planned it did not say how it ended: what is there was not ended and is judged anew."""
    if there:
        ledger.forget("ended", item["at"])
        return
    at = item["ended_at"]
    ledger.enter(item["at"], **{**_entry(item), "at": at, "day": at[:10], "planned_at": at, "outcome": "done"})
    away(ledger, item)


def _enter(ledger: Ledger, item: Item, *, back_at: datetime | None, now: datetime) -> None:
    since, last = (datetime.fromisoformat(item[name]) for name in ("entered_until", "ended_at"))
    until = min(back_at or now, last + _COUNTED)
    finished = back_at is not None or until < now
    if not finished and until.date() == since.date():
        return
    hours = max((until - since) / _HOUR, 0.0)
    if hours:
        at = since.isoformat()
        saved = {"outcome": "saved", "hours": hours, "saved_usd": hours * item["usd_per_hour"], "arn": item["at"]}
        ledger.enter(f"saved {item['at']}", **{**_entry(item), **saved, "at": at, "day": at[:10]})
    if finished:
        ledger.forget("ended", item["at"])
    else:
        ledger.remember("ended", item["at"], **{**members(item), "entered_until": until.isoformat()})


def _entry(item: Item) -> Item:
    own = ("ended_at", "entered_until", "pending")
    return {name: value for name, value in members(item).items() if name not in own}
