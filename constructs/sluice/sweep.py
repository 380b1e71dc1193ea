"""Idle endpoints and notebook instances are found on a schedule and, where that is switched on, ended."""

import json

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from constructs import Construct

from config.costs import Costs
from sluice.arn import arn
from sluice.cost_ledger import CostLedger
from sluice.function import HandlerFunction
from sluice.permission import allow

_NOTEBOOK_LOGS = "log-group:/aws/sagemaker/NotebookInstances:log-stream:*"


class Sweep(Construct):
    """Runs every `every`; `ledger` gets what was found and done."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        environment: str,
        costs: Costs,
        ledger: CostLedger,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self.every = Duration.hours(costs.sweep.every_hours)
        policy = costs.policy(prefix, environment)
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="sweep",
            key=key,
            timeout=Duration.minutes(15),
            environment={
                "policy": json.dumps(policy, separators=(",", ":")),
                "ledger_table": ledger.table_name,
            },
        )
        self._allow_inventory()
        # The policy ends nothing in production but what is named, so else there is nothing to allow.
        if policy["enforced"] and (environment != "prod" or policy["production"]):
            self._allow_actions(prefix)
        ledger.grant(self.handler.role, "PutItem", "Query", "DeleteItem")
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(self.every),
            targets=[targets.LambdaFunction(self.handler.function)],
        )

    def _allow_inventory(self) -> None:
        role = self.handler.role
        any_name = "A resource of the platform may have any name; its tag says whose it is"
        endpoints, notebooks = self._all("endpoint"), self._all("notebook-instance")
        allow(
            role,
            ["sagemaker:ListEndpoints", "sagemaker:ListNotebookInstances", "cloudwatch:GetMetricData"],
            ["*"],
            wildcard="These actions have no resource level",
        )
        allow(role, ["sagemaker:ListTags"], [endpoints, notebooks], wildcard=any_name)
        configs = self._all("endpoint-config")
        allow(
            role,
            ["sagemaker:DescribeEndpoint", "sagemaker:DescribeEndpointConfig"],
            [endpoints, configs],
            wildcard=any_name,
        )
        allow(role, ["sagemaker:DescribeNotebookInstance"], [notebooks], wildcard=any_name)
        allow(role, ["logs:GetLogEvents"], [arn(self, "logs", _NOTEBOOK_LOGS)], wildcard=any_name)

    def _allow_actions(self, prefix: str) -> None:
        """IAM holds the same line as the policy does: what is not tagged as ours cannot be ended."""
        role, tagged = self.handler.role, {"StringEquals": {"aws:ResourceTag/sluice:platform": prefix}}
        reason = "Narrowed to the resources that bear the platform's tag"
        allow(role, ["sagemaker:DeleteEndpoint"], [self._all("endpoint")], conditions=tagged, wildcard=reason)
        notebooks = [self._all("notebook-instance")]
        allow(role, ["sagemaker:StopNotebookInstance"], notebooks, conditions=tagged, wildcard=reason)

    def _all(self, resource: str) -> str:
        return arn(self, "sagemaker", f"{resource}/*")
