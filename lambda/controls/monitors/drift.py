"""What is done about a model that no longer fits: each drift is a record, looked at again until it is answered. Pure.

A drift is open from the first look that finds its alarm red to the one at which it is answered: a better model was
approved, or the alarm is green again, or it expires. What happened meanwhile, and in which order it was told, does not
matter: `decide` sees what is, never what an event says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

WEEK = timedelta(days=7)
_KEPT = ("why", "cause", "report", "tries", "execution", "last", "answer")  # as they are


class State(StrEnum):
    OPEN = "open"  # nothing runs for it: `why` says what stands in the way
    STARTING = "starting"  # a run has been asked for; whether it began is not noted yet
    RUNNING = "running"
    WON = "won"
    PASSED = "passed"
    EXPIRED = "expired"


CLOSED = (State.WON, State.PASSED, State.EXPIRED)


class Outcome(StrEnum):
    """Of a run. `lost`: its model was not better. `awaits`: it is registered, and nobody has approved it yet.

    `unproven`: the same of one that was not compared with today's champion, so that only a person may approve it.
    """

    RUNS = "runs"
    AWAITS = "awaits"
    UNPROVEN = "unproven"
    APPROVED = "approved"
    REJECTED = "rejected"
    LOST = "lost"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """`acts`: runs are started (enforce); `approves`: a winner is approved without a person.

    `settles`: for so long after a model was replaced, windows may still end in which it answered.
    """

    acts: bool
    approves: bool
    cool_down: timedelta
    most_a_week: int
    expires: timedelta
    settles: timedelta


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is so now. `red`: the alarm. `busy`: a run of the workload goes on that is not this drift's.

    `begun`: the run that bears the record's token. `outcome` is that of the record's own run, None where it has none;
    where it did not succeed, `ended` says where and why; `answer` is the version that it registered. `cause`, `report`
    and `version`, that of the model, are of the last window; 0 where it tells no version.
    """

    red: bool
    busy: bool
    budget_left: bool
    cause: str
    report: str
    version: int = 0
    begun: str = ""
    outcome: Outcome | None = None
    ended: str = ""
    answer: int = 0


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The record. `starts`: when runs were started for this and for earlier drifts of the workload, of the last week.

    `tries` counts the runs of this drift; `execution` is the last one's ARN, `last` what it came to, if it answered
    nothing. `answer` and `answered_at`: of a drift that is won, the version that was approved, and when it was seen.
    """

    workload: str
    opened_at: datetime
    state: State = State.OPEN
    why: str = ""
    cause: str = ""
    report: str = ""
    tries: int = 0
    execution: str = ""
    last: str = ""
    starts: tuple[datetime, ...] = ()
    answer: int = 0
    answered_at: datetime | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """As the ledger remembers it."""
        known = {name: item[name] for name in _KEPT}
        starts = tuple(map(datetime.fromisoformat, item["starts"]))
        times = {"opened_at": datetime.fromisoformat(item["opened_at"]), "starts": starts}
        if item["answered_at"]:
            times["answered_at"] = datetime.fromisoformat(item["answered_at"])
        return cls(**known, **times, workload=item["at"], state=State(item["state"]))

    @property
    def members(self) -> dict[str, Any]:
        kept = {name: getattr(self, name) for name in (*_KEPT, "state")}
        starts = [start.isoformat() for start in self.starts]
        answered = self.answered_at.isoformat() if self.answered_at else ""
        return kept | {"opened_at": self.opened_at.isoformat(), "starts": starts, "answered_at": answered}

    @property
    def token(self) -> str:
        """The same for each time that this try is asked for: SageMaker starts one run for it."""
        return f"drift-{self.workload}-{self.opened_at:%Y%m%dT%H%M%S}-{self.tries}".ljust(32, "-")


def decide(known: Drift | None, facts: Facts, terms: Terms, now: datetime) -> Drift | None:
    """The record after a look; the same one where nothing changes, None where there is none and none is due."""
    if known is None or known.state in CLOSED:
        if not facts.red or (known is not None and _settling(known, facts, terms, now)):
            return known
        fresh = Drift(
            workload=known.workload if known else "",
            opened_at=now,
            cause=facts.cause,
            report=facts.report,
            starts=known.starts if known else (),
        )
        return _due(fresh, facts, terms, now)
    if known.state is State.STARTING:
        if facts.begun:
            return replace(known, state=State.RUNNING, execution=facts.begun)
        # Nothing has begun, so that all that may stand in the way counts anew. The try, and its token, are the same.
        known = replace(known, state=State.OPEN, tries=known.tries - 1, starts=known.starts[:-1])
    if known.state is State.RUNNING:
        known = _after(known, facts, terms, now)
        if known.state is not State.OPEN:
            return known
    return _due(known, facts, terms, now)


def _settling(known: Drift, facts: Facts, terms: Terms, now: datetime) -> bool:
    """Of a model that has won the alarm stays red on the old one's account, until a window of it is examined.

    Not for ever: an endpoint can go back to the old model, and some windows tell no version.
    """
    if known.answered_at is None or facts.version >= known.answer:
        return False
    longest = max(terms.settles, terms.expires) if facts.version else terms.settles
    return now - known.answered_at < longest


def _after(known: Drift, facts: Facts, terms: Terms, now: datetime) -> Drift:
    """What a run came to."""
    match facts.outcome:
        case Outcome.APPROVED:
            won = replace(known, state=State.WON, why="a better model was approved", last="")
            return replace(won, answer=facts.answer, answered_at=now)
        case Outcome.LOST:
            return _unanswered(known, "the challenger is not better: the champion stays", facts)
        case Outcome.REJECTED:
            return _unanswered(known, "the challenger was rejected: the champion stays", facts)
        case Outcome.FAILED:
            return _unanswered(known, "the run failed", facts)
        case Outcome.AWAITS if terms.approves:  # by this look, or by the next
            return replace(known, why="a better model is being approved")
        case Outcome.AWAITS:
            return _given_up(replace(known, why="a better model awaits its approval"), terms, now)
        case Outcome.UNPROVEN:
            waits = "a model awaits a person's approval: it was not compared with the champion of today"
            return _given_up(replace(known, why=waits), terms, now)
        case _:
            return known


def _unanswered(known: Drift, why: str, facts: Facts) -> Drift:
    last = f"{why} ({facts.ended})" if facts.ended else why
    return replace(known, state=State.OPEN, why=why, last=last)


def _due(known: Drift, facts: Facts, terms: Terms, now: datetime) -> Drift:
    """Of a record for which nothing runs: a run is due, or what stands in the way of one."""
    if not facts.red:
        return replace(known, state=State.PASSED, why=f"{known.why or 'nothing was done'}; the alarm is green again")
    known = _given_up(known, terms, now)
    if known.state is State.EXPIRED:
        return known
    starts = tuple(start for start in known.starts if now - start < max(WEEK, terms.cool_down))
    hindrance = _hindrance(starts, facts, terms, now)
    if hindrance:
        return replace(known, state=State.OPEN, why=hindrance, starts=starts)
    return replace(known, state=State.STARTING, why="", tries=known.tries + 1, execution="", starts=(*starts, now))


def _given_up(known: Drift, terms: Terms, now: datetime) -> Drift:
    if now - known.opened_at < terms.expires:
        return known
    return replace(known, state=State.EXPIRED, why=f"{known.why}; unanswered for {terms.expires.days} days")


def _hindrance(starts: tuple[datetime, ...], facts: Facts, terms: Terms, now: datetime) -> str:
    if not terms.acts:
        return "retraining is only observed: retrain.mode of workload.yaml"
    if facts.busy:
        return "another run of the workload goes on"
    if _cooling(starts, terms, now):
        return f"cooling down until {starts[-1] + terms.cool_down:%Y-%m-%d %H:%M} UTC"
    if sum(now - start < WEEK for start in starts) >= terms.most_a_week:
        return f"{terms.most_a_week} runs have been started for drift within a week"
    if not facts.budget_left:
        return "the month's budget is spent"
    return ""


def _cooling(starts: tuple[datetime, ...], terms: Terms, now: datetime) -> bool:
    return bool(starts) and now - starts[-1] < terms.cool_down
