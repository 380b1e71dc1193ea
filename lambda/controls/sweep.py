"""Ends endpoints and notebook instances that nobody uses. In `observe` it only records what it would do."""

import os
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from controls import actions, clients, settings
from controls.inventory import Inventory
from controls.ledger import Ledger
from controls.policy import Action, Policy, Verdict, decide, policy
from controls.prices import Prices
from controls.resource import Kind, Resource

logger = Logger(service="sweep")


class SweepError(RuntimeError):
    """Some resources could not be examined or ended; all others were."""


@dataclass(frozen=True)
class Settings:
    policy: str
    ledger_table: str


@dataclass(frozen=True)
class Finding:
    """One idle resource, and what came of it: observed, done, gone, or spared (used or changed at the last moment)."""

    kind: str
    name: str
    action: str
    reason: str
    outcome: str


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The findings of one sweep at the time of `event`. Raises SweepError at the end when a resource gave trouble."""
    config = settings.read(Settings, os.environ)
    now = datetime.fromisoformat(event["time"])
    rules = policy(config.policy)
    ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
    sagemaker = clients.client("sagemaker")
    inventory = Inventory(
        sagemaker,
        clients.client("cloudwatch"),
        clients.client("logs"),
        region=sagemaker.meta.region_name,
        policy=rules,
        prices=Prices.read(),
        warned=ledger.warned(),
        now=now,
    )
    findings = Sweep(sagemaker, inventory, ledger, policy=rules, now=now).run()
    return {"findings": [asdict(finding) for finding in findings]}


class Sweep:
    def __init__(self, sagemaker: Any, inventory: Inventory, ledger: Ledger, *, policy: Policy, now: datetime) -> None:
        self._sagemaker, self._inventory, self._ledger = sagemaker, inventory, ledger
        self._policy, self._now = policy, now

    def run(self) -> list[Finding]:
        findings, troubles = [], []
        # Listed to the end first: deleting while paging would skip some.
        for kind, name, arn in list(self._inventory.ours()):
            try:
                finding = self._examine(kind, name, arn)
            except (ClientError, BotoCoreError) as error:
                logger.exception("a resource gave trouble", kind=kind, resource=name)
                troubles.append(f"{kind} {name}: {error}")
                continue
            if finding:
                logger.info("idle", **{f"finding_{key}": value for key, value in asdict(finding).items()})
                findings.append(finding)
        if troubles:
            raise SweepError("; ".join(troubles))
        return findings

    def _examine(self, kind: Kind, name: str, arn: str) -> Finding | None:
        resource = self._inventory.inspect(kind, name, arn)
        verdict = decide(resource, self._policy, self._now) if resource else None
        if not resource or not verdict or verdict.action is Action.KEEP:
            return None
        if verdict.rule not in self._policy.enforced:
            outcome = "observed"
            self._ledger.record(resource, verdict, outcome)
        elif verdict.action is Action.WARN:
            outcome = "warned"
            self._ledger.warn(resource, verdict)
            self._ledger.record(resource, verdict, outcome)
        else:
            outcome = self._end(resource, verdict)
            self._ledger.record(resource, verdict, outcome)
        return Finding(kind, name, verdict.action, verdict.evidence, outcome)

    def _end(self, resource: Resource, verdict: Verdict) -> str:
        """Recorded first, so that whatever happens after can be explained; then looked at once more."""
        self._ledger.record(resource, verdict, "planned")
        try:
            again = self._inventory.inspect(resource.kind, resource.name, resource.arn)
            if again is None:
                return "gone"
            if decide(again, self._policy, self._now).action is not verdict.action:
                return "spared"
            return actions.perform(verdict.action, self._sagemaker, resource)
        except (ClientError, BotoCoreError):
            self._ledger.record(resource, verdict, "failed")
            raise
