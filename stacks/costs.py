"""What keeps the bill close to the work that is done."""

from aws_cdk import Environment, Stack
from constructs import Construct

from config.schema import Platform
from sluice.alarm import FunctionsAlarm
from sluice.controls_boundary import ControlsBoundary
from sluice.cost_ledger import CostLedger
from sluice.govern import Govern
from sluice.published import Published
from sluice.sweep import Sweep
from stacks.foundation import FoundationStack


class CostsStack(Stack):
    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, foundation: FoundationStack, env: Environment
    ) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: the sweep of idle resources")
        ControlsBoundary(self, "Boundary", prefix=platform.prefix)
        ledger = CostLedger(self, "Ledger", key=foundation.key)
        sweep = Sweep(
            self,
            "Sweep",
            prefix=platform.prefix,
            environment=platform.environment,
            costs=platform.costs,
            ledger=ledger,
            key=foundation.key,
        )
        govern = Govern(
            self,
            "Govern",
            prefix=platform.prefix,
            environment=platform.environment,
            costs=platform.costs,
            guardrails=platform.guardrails,
            ledger=ledger,
            key=foundation.key,
            alerts=foundation.alerts,
        )
        Published(self, "Published", prefix=platform.prefix, values={"sweep-ledger": ledger.table_name})
        FunctionsAlarm(self, "Alarm", functions=[sweep.handler], alerts=foundation.alerts, every=sweep.every)
        FunctionsAlarm(self, "JobsAlarm", functions=[govern.handler], alerts=foundation.alerts)
