"""What keeps the bill close to the work that is done."""

from aws_cdk import Annotations, Environment, Stack
from constructs import Construct

from config.schema import Platform
from sluice.alarm import FunctionsAlarm
from sluice.budget import Budget
from sluice.controls_boundary import ControlsBoundary
from sluice.cost_dashboard import CostDashboard
from sluice.cost_ledger import CostLedger
from sluice.function import HandlerFunction
from sluice.govern import Govern
from sluice.price_refresh import PriceRefresh, pricing_region
from sluice.published import Published
from sluice.report import Report
from sluice.sweep import Sweep
from stacks.foundation import FoundationStack


class CostsStack(Stack):
    """`ledger`: what is remembered of the platform."""

    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, foundation: FoundationStack, env: Environment
    ) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: clean-up, budget and the report of both")
        ControlsBoundary(self, "Boundary", prefix=platform.prefix)
        self.ledger = ledger = CostLedger(self, "Ledger", key=foundation.key)
        sweep = Sweep(
            self,
            "Sweep",
            prefix=platform.prefix,
            environment=platform.environment,
            costs=platform.costs,
            ledger=ledger,
            artifact_bucket=foundation.artifact_bucket,
            alerts=foundation.alerts,
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
            artifact_bucket=foundation.artifact_bucket,
            key=foundation.key,
            alerts=foundation.alerts,
        )
        report = Report(
            self,
            "Report",
            prefix=platform.prefix,
            costs=platform.costs,
            ledger=ledger,
            artifact_bucket=foundation.artifact_bucket,
            key=foundation.key,
            alerts=foundation.alerts,
        )
        metered = self._budget(platform, foundation, ledger)
        CostDashboard(
            self,
            "Dashboard",
            prefix=platform.prefix,
            budget=platform.costs.budget,
            functions=[sweep.handler, govern.handler, report.handler, *metered],
        )
        Published(self, "Published", prefix=platform.prefix, values={"sweep-ledger": ledger.table_name})
        # Monitors import these; as in the foundation, they are exported whether there is one or not.
        for value in (ledger.table.table_name, ledger.table.table_arn):
            self.export_value(value)
        # Step Functions waits for it, and tries it again.
        watched = {"functions": [sweep.handler], "every": sweep.every, "letters": False}
        FunctionsAlarm(self, "Alarm", alerts=foundation.alerts, **watched)
        heard = [govern.handler, report.handler, *self._prices(platform, foundation)]
        FunctionsAlarm(self, "LettersAlarm", functions=heard, alerts=foundation.alerts, errors=False)

    def _prices(self, platform: Platform, foundation: FoundationStack) -> list[HandlerFunction]:
        asked_in = pricing_region(platform.region)
        if asked_in is None:
            told = f"Left out: the weekly refresh of prices. {platform.region} has no Price List API"
            Annotations.of(self).add_info(told)
            return []
        prices = PriceRefresh(
            self,
            "Prices",
            prefix=platform.prefix,
            asked_in=asked_in,
            regions=[platform.region, *(target.region for target in platform.costs.targets)],
            artifact_bucket=foundation.artifact_bucket,
            key=foundation.key,
        )
        return [prices.handler]

    def _budget(self, platform: Platform, foundation: FoundationStack, ledger: CostLedger) -> list[HandlerFunction]:
        if platform.costs.budget is None:
            return []
        budget = Budget(
            self,
            "Budget",
            prefix=platform.prefix,
            environment=platform.environment,
            region=platform.region,
            costs=platform.costs,
            budget=platform.costs.budget,
            ledger=ledger,
            artifact_bucket=foundation.artifact_bucket,
            alerts=foundation.alerts,
            key=foundation.key,
        )
        FunctionsAlarm(self, "BudgetAlarm", functions=[budget.handler], alerts=foundation.alerts, every=budget.every)
        return [budget.handler]
