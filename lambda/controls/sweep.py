"""Ends what nobody uses, in one region of one account. Rules that are only observed are recorded and told of."""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, settings
from controls.judgement.choices import Policy, policy
from controls.ledger import Ledger
from controls.pricing import price_table
from controls.sweeps import warning
from controls.sweeps.sweeping import Sweep

logger = Logger(service="sweep")


@dataclass(frozen=True)
class Settings:
    policy: str
    ledger_table: str
    artifact_bucket: str
    topic_arn: str
    account: str


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{"time", "region"?, "role_arn"?}`: how often each outcome came of it. Raises SweepError at the end."""
    config = settings.read(Settings, os.environ)
    now = datetime.fromisoformat(event["time"])
    region, role_arn = event.get("region") or clients.session().region_name, event.get("role_arn") or None
    ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
    sweep = Sweep(
        clients.of(region, role_arn),
        ledger,
        region=region,
        account=role_arn.split(":")[4] if role_arn else config.account,
        policy=as_of(policy(config.policy), ledger, now),
        prices=price_table.load(clients.client("s3"), config.artifact_bucket),
        tell=warning.publisher(clients.client("sns"), config.topic_arn),
        now=now,
    )
    outcomes = [finding.outcome for finding in sweep.run()]
    counts = {outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))}
    logger.info("swept", region=region, account=sweep.account, outcomes=counts)
    # What was found is in the ledger: a state machine's states may hold 256 KB.
    return {"region": region, "account": sweep.account, "outcomes": counts}


def as_of(rules: Policy, ledger: Ledger, now: datetime) -> Policy:
    """The policy, frozen where this month's budget is spent."""
    frozen = (ledger.recall("budget", f"{now:%Y-%m}") or {}).get("frozen_since")
    return replace(rules, frozen_since=datetime.fromisoformat(frozen)) if frozen else rules
