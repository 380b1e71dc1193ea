"""How one resource is ended, and brought back: recorded before and after, and safe to repeat."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from controls.inventory import Inventory
from controls.judgement.choices import Policy
from controls.judgement.policy import Verdict, decide
from controls.ledger import Item, Ledger
from controls.resource import Resource, Rule
from controls.sweeps import actions, restoring, savings


class Ending:
    """Of one sweep, at `now`."""

    def __init__(
        self, client: Callable[[str], Any], ledger: Ledger, inventory: Inventory, *, policy: Policy, now: datetime
    ) -> None:
        self._client, self._ledger, self._inventory, self._policy, self._now = client, ledger, inventory, policy, now

    def carry_out(self, resource: Resource, verdict: Verdict) -> str:
        """done | gone | spared. Cut off anywhere after it was planned, it is settled by a later sweep."""
        item = savings.begin(self._ledger, resource, verdict, self._now)
        self._ledger.record(resource, verdict, "planned")
        try:
            outcome = self._once_more(resource, verdict)
        except (ClientError, BotoCoreError):
            self._ledger.record(resource, verdict, "failed")
            raise
        self._ledger.record(resource, verdict, outcome)
        if resource.kind in restoring.RESTORABLE and outcome != "done":
            self._ledger.forget("restorable", resource.arn)
        if resource.warned and outcome != "spared":
            self._ledger.let_go(resource.arn)
        if outcome == "done":
            savings.away(self._ledger, item)
        else:
            self._ledger.forget("ended", resource.arn)
        return outcome

    def _once_more(self, resource: Resource, verdict: Verdict) -> str:
        """Looks at it again, and ends it if that still is to be done."""
        again = self._inventory.again(resource)
        if again is None:
            return "gone"
        now = decide(again, self._policy, self._now)
        if (now.action, now.rule) != (verdict.action, verdict.rule):
            return "spared"
        if again.kind in restoring.RESTORABLE:
            restoring.keep(self._ledger, again, str(verdict.rule), self._now.isoformat())
        return actions.perform(verdict.action, self._client, again)

    def is_morning(self) -> bool:
        """Whether what off-hours ended is to come back."""
        hours, policy = self._policy.off_hours, self._policy
        spent = policy.frozen_since is not None and Rule.BUDGET in policy.enforced
        return hours is not None and Rule.OFF_HOURS in policy.enforced and not spent and not hours.began(self._now)

    def bring_back(self, item: Item) -> str | None:
        """restored | lost; None: it was not off-hours that ended it, it is there, or it must wait."""
        if item["rule"] != Rule.OFF_HOURS:
            return None
        outcome = restoring.restore(self._client("sagemaker"), self._ledger, item)
        return outcome if outcome in ("restored", "lost") else None
