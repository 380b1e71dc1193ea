"""A believable November of a team's ledger: what the report's picture is made of, and what its tests read."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from bench.ledger_table import LedgerTable
from controls.ledger import Ledger
from controls.reporting.facts import Facts, gathered

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
BUDGET_USD = 2000.0
_DAYS = range(1, 28)


class _Thing(NamedTuple):
    kind: str
    name: str
    owner: str
    team: str
    workload: str
    rule: str
    usd_per_hour: float
    hours: float  # a day that it was away, or that spot did not bill

    @property
    def arn(self) -> str:
        return f"arn:aws:sagemaker:eu-central-1:111122223333:{self.kind}/{self.name}"

    def entry(self) -> dict[str, Any]:
        members = ("kind", "name", "owner", "team", "workload", "rule", "usd_per_hour")
        return {member: getattr(self, member) for member in members}


_AWAY = (
    _Thing("endpoint", "churn-preview", "ada", "fraud", "churn", "idle", 0.461, 20),
    _Thing("endpoint", "ranker-test", "grace", "search", "ranker", "off-hours", 1.408, 13),
    _Thing("notebook-instance", "grace-gpu", "grace", "search", "", "idle", 1.408, 17),
    _Thing("app", "ada/JupyterLab", "ada", "fraud", "churn", "off-hours", 0.23, 13),
    _Thing("app", "edsger/CodeEditor", "edsger", "fraud", "", "idle", 0.115, 15),
    _Thing("mlflow-tracking-server", "experiments-old", "", "search", "", "off-hours", 0.6, 13),
)
_SPOT = (
    _Thing("training-job", "ranker-train", "grace", "search", "ranker", "spot", 4.224, 2.6),
    _Thing("training-job", "churn-search", "ada", "fraud", "churn", "spot", 0.922, 5.5),
)
_NEXT = _Thing("endpoint", "segments-v2", "alan", "fraud", "segments", "idle", 0.922, 0)
_OLD = _Thing("model", "churn-2026-08-14", "ada", "fraud", "churn", "orphan", 0, 0)
_NOTEBOOK = _Thing("notebook-instance", "alan-scratch", "alan", "fraud", "", "ttl", 0.115, 0)


def table() -> LedgerTable:
    """From the first of November 2026 until NOW."""
    made, dice = LedgerTable(), random.Random(1128)
    for number in _DAYS:
        _save(made, datetime(2026, 11, number, 18, tzinfo=UTC), dice)
    _do(made)
    _spend(_at(made, NOW))
    return made


def facts() -> Facts:
    return gathered(_at(table(), NOW), platform="sluice-dev", now=NOW, budget_usd=BUDGET_USD)


def _at(table: LedgerTable, now: datetime) -> Ledger:
    return Ledger(table, "ledger", now=now)


def _save(table: LedgerTable, evening: datetime, dice: random.Random) -> None:
    """On weekends all of what is away stays so for the whole day, and few jobs run."""
    free = evening.weekday() >= 5
    for thing in _AWAY:
        hours = 24.0 if free else round(thing.hours * dice.uniform(0.6, 1.0), 2)
        saved = round(hours * thing.usd_per_hour, 4)
        _at(table, evening).enter(thing.arn, **thing.entry(), outcome="saved", hours=hours, saved_usd=saved)
    for thing in _SPOT[: 1 if free else 2]:
        saved, billed = round(thing.hours * dice.uniform(0.7, 1.3), 2), round(thing.hours * dice.uniform(0.35, 0.6), 2)
        _at(table, evening).enter(
            f"{thing.arn}-{evening:%d}",
            **thing.entry(),
            outcome="saved",
            hours=saved,
            billed_hours=billed,
            saved_usd=round(saved * thing.usd_per_hour, 4),
            cost_usd=round(billed * thing.usd_per_hour, 4),
        )


def _do(table: LedgerTable) -> None:
    """What the sweeps of the 27th did, saw and told."""
    day = datetime(2026, 11, 27, tzinfo=UTC)
    told: list[tuple[float, _Thing, str, str, str]] = [
        (9, _AWAY[0], "delete", "unused since 2026-11-27 05:10 UTC, which is over 120 minutes", "done"),
        (11, _AWAY[2], "stop", "unused since 2026-11-27 09:25 UTC, which is over 30 minutes", "spared"),
        (15, _AWAY[2], "stop", "unused since 2026-11-27 13:20 UTC, which is over 30 minutes", "done"),
        (19, _AWAY[3], "delete", "off-hours since 2026-11-27 19:00 UTC", "done"),
        (19.01, _AWAY[1], "delete", "off-hours since 2026-11-27 19:00 UTC", "done"),
        (22, _OLD, "delete", "no endpoint configuration, package or transform job names it", "observed"),
        (
            23,
            _SPOT[0],
            "stop",
            "on demand at 4.22 USD an hour, over the 1.00 allowed",
            "observed",
        ),
    ]
    for hour, thing, action, reason, outcome in told:
        saving = round(thing.usd_per_hour * 730, 2)
        entry = {**thing.entry(), "action": action, "reason": reason, "outcome": outcome, "saving": saving}
        _at(table, day + timedelta(hours=hour)).enter(thing.arn, **entry)
    for hours, thing, reason in (
        (1, _NEXT, "unused since 2026-11-28 03:40 UTC, which is over 120 minutes"),
        (18, _NOTEBOOK, "sluice:ttl was 2026-11-28"),
    ):
        ending = "delete" if thing.kind == "endpoint" else "stop"
        due = (NOW + timedelta(hours=hours)).isoformat()
        saving = round(thing.usd_per_hour * 730, 2)
        more = {"reason": reason, "effective_at": due, "action": "warn", "ending": ending, "saving": saving}
        _at(table, NOW).remember("warned", thing.arn, **thing.entry(), warned_at=NOW.isoformat(), **more)


def _spend(kept: Ledger) -> None:
    by = {
        "by_team": {"search": 812.4, "fraud": 392.1},
        "by_owner": {"grace": 745.2, "ada": 281.9, "alan": 96.3, "edsger": 13.9, "": 67.2},
        "by_workload": {"ranker": 604.7, "churn": 214.8, "segments": 96.3, "": 288.7},
    }
    kept.remember("budget", "2026-11", spent_usd=1204.5, **by)
