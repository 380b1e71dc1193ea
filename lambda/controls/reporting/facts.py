"""What there is to tell of a day: read from the ledger, in plain figures, for whatever shows them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from controls.ledger import Item, Ledger

DIMENSIONS = ("rule", "team", "owner", "workload")
NOT_NAMED = "not named"
_DAY = timedelta(days=1)
# Outcomes of entries that are no deeds: what was saved, and what a job cost that ended by itself.
SAVED, _ENDED = "saved", "ended"
_OBSERVED = "observed"


@dataclass(frozen=True)
class Amount:
    """USD under one name (of a rule, a team, ...): on the day, and in its month until then."""

    name: str
    day: float
    month: float


@dataclass(frozen=True)
class Deed:
    """Something that was done, will be done or would have been, to one resource.

    `at`: when, ISO 8601; `saving`: USD a month.
    """

    arn: str
    at: str
    kind: str
    name: str
    owner: str
    action: str
    rule: str
    reason: str
    outcome: str
    saving: float


@dataclass(frozen=True)
class Spot:
    """Training on spot in the month, as SageMaker measured it: hours of instances that were and were not billed."""

    jobs: int
    billed_hours: float
    saved_hours: float
    cost_usd: float
    saved_usd: float

    @property
    def share(self) -> float:
        """Of what the same hours cost on demand, the part that was saved."""
        return self.saved_usd / (self.saved_usd + self.cost_usd) if self.saved_usd else 0.0


@dataclass(frozen=True)
class Spent:
    """Of the month, USD. `limit` is None without a budget; `by` has names and USD by team, owner and workload.

    `frozen_since`: ISO 8601, "" unless no more is spent. `usd` is more than `by` adds up to while jobs are in progress.
    """

    usd: float
    limit: float | None
    frozen_since: str
    by: Mapping[str, tuple[tuple[str, float], ...]]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a report of `day` tells. `saved` has the amounts of each dimension, largest first."""

    platform: str
    day: date
    made_at: datetime
    saved_day: float
    saved_month: float
    saved: Mapping[str, tuple[Amount, ...]]
    saved_by_day: tuple[tuple[date, float], ...]
    done: tuple[Deed, ...]
    coming: tuple[Deed, ...]
    observed: tuple[Deed, ...]
    spot: Spot
    spent: Spent | None


def gathered(ledger: Ledger, *, platform: str, now: datetime, budget_usd: float | None = None) -> Facts:
    """The facts of the last day (UTC) that is over at `now`, and what is due in the day after `now`."""
    day = now.date() - _DAY
    month = days(day.replace(day=1), day)
    # Of the days before, only what was saved is kept: the rest may be much.
    read = [e for each in month for e in ledger.entries(each) if each == day or e["outcome"] == SAVED]
    saved = [entry for entry in read if entry["outcome"] == SAVED]
    others = [entry for entry in read if entry["outcome"] not in (SAVED, _ENDED)]
    return Facts(
        platform=platform,
        day=day,
        made_at=now,
        saved_day=_sum(_of(day, saved)),
        saved_month=_sum(saved),
        saved={dimension: amounts(saved, dimension, day) for dimension in DIMENSIONS},
        saved_by_day=tuple((each, _sum(_of(each, saved))) for each in month),
        done=tuple(_deed(entry) for entry in others if entry["outcome"] != _OBSERVED),
        coming=tuple(_coming(ledger.remembered("warned"), now + _DAY)),
        observed=tuple(_deed(entry) for entry in _latest(others, _OBSERVED)),
        spot=_spot(saved),
        spent=_spent(ledger.recall("budget", f"{day:%Y-%m}"), budget_usd),
    )


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _of(day: date, entries: Iterable[Item]) -> list[Item]:
    return [entry for entry in entries if entry["day"] == day.isoformat()]


def _latest(entries: Iterable[Item], outcome: str) -> Iterable[Item]:
    """The last entry of each resource and rule with `outcome`."""
    found = {(entry["subject"], entry.get("rule")): entry for entry in entries if entry["outcome"] == outcome}
    return found.values()


def _sum(saved: Iterable[Item]) -> float:
    return sum(entry["saved_usd"] for entry in saved)


def amounts(saved: list[Item], dimension: str, day: date) -> tuple[Amount, ...]:
    """What was saved by each name of `dimension`, in all and on `day`, the largest first."""
    groups: dict[str, list[Item]] = defaultdict(list)
    for entry in saved:
        groups[entry.get(dimension) or NOT_NAMED].append(entry)
    found = [Amount(name, _sum(_of(day, group)), _sum(group)) for name, group in groups.items()]
    return tuple(sorted(found, key=lambda amount: (-amount.month, amount.name)))


def _coming(warned: Iterable[Item], until: datetime) -> Iterator[Deed]:
    """What is ended until then unless somebody acts: its owner was told, and it has not been let go since."""
    due = [item for item in warned if item.get("effective_at")]
    for item in sorted(due, key=lambda item: item["effective_at"]):
        if datetime.fromisoformat(item["effective_at"]) <= until:
            yield _deed({**item, "subject": item["at"], "at": item["effective_at"], "outcome": "warned"})


def _deed(entry: Item) -> Deed:
    # Of what is still to come, what it comes to; a rule that only observes never gets beyond a warning.
    ending = entry.get("ending", "keep")
    texts = ("at", "kind", "name", "owner", "rule", "reason", "outcome")
    return Deed(
        arn=entry["subject"],
        action=str(entry.get("action", "") if ending == "keep" else ending),
        saving=float(entry.get("saving", 0)),
        **{text: str(entry.get(text, "")) for text in texts},
    )


def _spot(saved: list[Item]) -> Spot:
    jobs = [entry for entry in saved if entry.get("rule") == "spot"]
    figures = ("billed_hours", "hours", "cost_usd", "saved_usd")
    return Spot(len(jobs), *(sum(entry.get(figure, 0.0) for entry in jobs) for figure in figures))


def _spent(month: Item | None, limit: float | None) -> Spent | None:
    """None where nothing was metered in the month."""
    if month is None:
        return None
    by: dict[str, Any] = {dimension: month.get(f"by_{dimension}", {}) for dimension in ("team", "owner", "workload")}
    largest_first = {
        dimension: tuple(sorted(((name or NOT_NAMED, usd) for name, usd in each.items()), key=lambda row: -row[1]))
        for dimension, each in by.items()
    }
    used = month.get("spent_usd", 0.0) + month.get("in_progress_usd", 0.0)
    return Spent(used, limit, month.get("frozen_since", ""), largest_first)
