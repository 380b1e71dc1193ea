"""Answers drift with a run of the workload's pipeline, once, and sees to it that it is answered.

It looks at what is, whatever event calls it: the alarm of each monitor, the record of its drift in the ledger, the run
that was started for it. An event that is lost is made up for by the next, one that comes twice or late changes nothing.
What a look decides is written before it is done, under a condition that only one of two looks at once can meet; what
breaks off after that is done by the next look, and SageMaker gives the same run to who asks twice with one token.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from controls import clients, settings
from controls.ledger import Ledger
from controls.monitors.challengers import Challengers
from controls.monitors.drift import CLOSED, Drift, Facts, Outcome, State, Terms, decide
from controls.monitors.news import News
from controls.spending.month import Month

logger = Logger(service="retrain")

TOPIC = "drift"
WINDOW = "monitor"  # remembered by workload: the last window that was examined
BUDGET = "budget"


class RetrainError(RuntimeError):
    """Some workloads' drift could not be looked at; all others' is."""


class ContendedError(RuntimeError):
    """Somebody else wrote the record meanwhile: the event comes again."""


@dataclass(frozen=True)
class Settings:
    """`monitors`: by workload the alarm's name and the terms, with hours and days as numbers."""

    platform: str
    ledger_table: str
    topic_arn: str
    monitors: dict[str, dict[str, Any]]


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """The state of each workload's drift, `none` where there is none. Raises RetrainError at the end."""
    config = settings.read(Settings, os.environ)
    # An event may come late, and what is looked at is what is so now.
    now = max(datetime.fromisoformat(event["time"]), datetime.now(UTC))
    ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
    told, troubles = dict[str, str](), list[str]()
    for workload, monitor in config.monitors.items():
        loop = Loop(clients.client, ledger, config, workload, monitor, now)
        try:
            known = loop.look()
        except (ClientError, BotoCoreError, ContendedError) as error:
            logger.warning("not looked at", workload=workload, reason=str(error))
            troubles.append(f"{workload}: {error}")
            continue
        told[workload] = known.state if known else "none"
    if troubles:
        raise RetrainError("; ".join(troubles))
    return told


class Loop:
    """One look at the drift of one workload."""

    def __init__(
        self,
        client: Callable[[str], Any],
        ledger: Ledger,
        config: Settings,
        workload: str,
        monitor: dict[str, Any],
        now: datetime,
    ) -> None:
        """`client` makes the client of a service."""
        self._client, self._ledger, self._config, self._workload, self._now = client, ledger, config, workload, now
        self._alarm = monitor["alarm"]
        self._terms = Terms(
            acts=monitor["acts"],
            approves=monitor["approves"],
            cool_down=timedelta(hours=monitor["cool_down_hours"]),
            most_a_week=monitor["most_a_week"],
            expires=timedelta(days=monitor["expires_days"]),
            settles=timedelta(hours=monitor["settles_hours"]),
        )
        self._challengers = Challengers(client, f"{config.platform}-{workload}")
        self._news = News(client("sns"), ledger, config.platform, config.topic_arn, self._terms, now)

    def look(self) -> Drift | None:
        """What is known of the drift in the end. Raises ContendedError, and what AWS refuses."""
        item = self._ledger.recall(TOPIC, self._workload)
        known, self._revision = (Drift.of(item), int(item["revision"])) if item else (None, 0)
        if known and known.state in CLOSED and not self._news.tell_once(known):
            return known  # a new one would take its place before anybody is told
        facts = self._facts(known)
        decided = decide(known, facts, self._terms, self._now)
        if decided is None:
            return None
        decided = self._written(replace(decided, workload=self._workload), known)
        refused: ClientError | BotoCoreError | None = None
        if decided.state is State.STARTING:
            try:
                run = self._challengers.start(decided.token)
                decided = self._written(replace(decided, state=State.RUNNING, execution=run), decided)
            except (ClientError, BotoCoreError) as error:
                refused = error
        if facts.outcome is Outcome.AWAITS and self._terms.approves and decided.state is State.RUNNING:
            self._challengers.approve(decided.execution, f"better than the champion; drift of {decided.opened_at}")
        self._news.tell_once(decided)  # last: neither a refused start keeps it, nor does it keep an answer
        if refused:
            raise refused
        return decided

    def _facts(self, known: Drift | None) -> Facts:
        window = self._ledger.recall(WINDOW, self._workload) or {}
        month = self._ledger.recall(BUDGET, f"{self._now:%Y-%m}")
        own = known.execution if known and known.state is State.RUNNING else ""
        asked = known if known and known.state is State.STARTING else None
        begun = self._challengers.begun(asked.token, asked.opened_at) if asked else ""
        outcome, ended, answer = self._challengers.outcome(own) if own else (None, "", 0)
        return Facts(
            red=self._is_red(window),
            busy=any(arn not in (own, begun) for arn in self._challengers.running()),
            budget_left=not month or _has_left(Month.of(month)),
            cause="; ".join(window.get("causes", ())) or f"the alarm {self._alarm} is red",
            report=window.get("report", ""),
            version=int(window.get("package_version", 0)),
            begun=begun,
            outcome=outcome,
            ended=ended,
            answer=answer,
        )

    def _is_red(self, window: dict[str, Any]) -> bool:
        """The alarm, unless the last window has seen no drift: it becomes green a minute or two later."""
        found = self._client("cloudwatch").describe_alarms(AlarmNames=[self._alarm], AlarmTypes=["MetricAlarm"])
        red = any(alarm["StateValue"] == "ALARM" for alarm in found["MetricAlarms"])
        return red and any(window.get("kinds", {"": True}).values())

    def _written(self, drift: Drift, before: Drift | None) -> Drift:
        """Kept as the record, and in the ledger under the time that it was opened. Raises ContendedError."""
        if drift == before:
            return drift
        self._enter(drift)
        if not self._ledger.revise(TOPIC, self._workload, self._revision, **drift.members):
            if item := self._ledger.recall(TOPIC, self._workload):
                self._enter(Drift.of(item))
            raise ContendedError("the record was written by somebody else")
        self._revision += 1
        return drift

    def _enter(self, drift: Drift) -> None:
        at = drift.opened_at.isoformat()
        self._ledger.enter(
            f"{TOPIC}/{self._workload}",
            at=at,
            day=at[:10],
            kind="model",
            name=self._workload,
            workload=self._workload,
            action="retrain",
            rule=TOPIC,
            outcome=drift.state,
            reason="; ".join(part for part in (drift.cause, drift.last, drift.why) if part),
            execution=drift.execution,
            report=drift.report,
        )


def _has_left(month: Month) -> bool:
    return not month.frozen_since and (not month.limit_usd or month.used_usd < month.limit_usd)
