"""How the tests of the sweep run it: with the environment that its stack gives it, and what came of it."""

import importlib
import json
from datetime import datetime, timedelta
from typing import Any

from controls import sweep
from controls.sweeps.sweeping import SweepError

NOW = datetime.fromisoformat("2026-11-23T12:00:00+00:00")
OURS = {"sluice:platform": "sluice-dev"}
MISSING = importlib.import_module("tests.lambda.base").RefusalError("Could not find endpoint configuration.")


def at(moment: datetime) -> dict[str, str]:
    return {"time": moment.isoformat(), "region": "us-east-1", "role_arn": ""}


def run(moment: datetime = NOW) -> dict[str, int]:
    return sweep.handler(at(moment), None)["outcomes"]


def run_whatever_comes(moment: datetime = NOW) -> None:
    try:
        run(moment)
    except SweepError:
        return


def warned_before(cloud: Any, *arns: str, rule: str = "idle", hours: int = 2) -> None:
    """That the owners of these were told some hours ago, longer than the grace."""
    when = (NOW - timedelta(hours=hours)).isoformat()
    for arn in arns:
        item = {"subject": "warned", "at": arn, "rule": rule, "warned_at": when}
        cloud.ledger["warned", arn] = item


def outcomes(cloud: Any) -> list[tuple[str, str]]:
    """Name and outcome of each entry."""
    return sorted((item["name"], item["outcome"]) for item in cloud.ledger.values() if "outcome" in item)


def changed(environment: dict[str, str], **policy: Any) -> str:
    """The deployed setting of the policy with some of its members changed."""
    return json.dumps({**json.loads(environment["SLUICE_POLICY"]), **policy})
