"""The record of everything that the sweep found and did."""

from datetime import datetime, timedelta
from typing import Any

from controls.policy import Resource, Verdict

KEEP_DAYS = 400


class Ledger:
    """One item for each resource and sweep, in a table keyed by `resource` (ARN) and `at` (the sweep's time, ISO 8601).

    Recording again for the same sweep replaces the item, so a replayed event leaves no double.
    """

    def __init__(self, dynamodb: Any, table: str, *, now: datetime) -> None:
        self._dynamodb, self._table, self._now = dynamodb, table, now

    def record(self, resource: Resource, verdict: Verdict, outcome: str) -> None:
        """Outcomes: observed | planned, then done | gone | spared | failed."""
        expires_at = int((self._now + timedelta(days=KEEP_DAYS)).timestamp())
        item = {
            "resource": resource.arn,
            "at": self._now.isoformat(),
            "kind": resource.kind,
            "name": resource.name,
            "action": verdict.action,
            "reason": verdict.reason,
            "outcome": outcome,
        }
        values: dict[str, dict[str, str]] = {key: {"S": str(value)} for key, value in item.items()}
        self._dynamodb.put_item(TableName=self._table, Item={**values, "expires_at": {"N": str(expires_at)}})
