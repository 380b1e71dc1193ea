"""What nobody uses is found on a schedule in each region and account and, where that is switched on, ended."""

import json
from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from config.costs import Costs, Target
from sluice.alerts import AlertTopic
from sluice.cost_ledger import CostLedger
from sluice.function import HandlerFunction
from sluice.permission import Role, allow, from_this_account
from sluice.price_refresh import allow_prices
from sluice.sweep_permissions import TAKEN, SweepPermissions
from sluice.waiver import accept_each, accept_lint

_ACCEPTED = {
    "AwsSolutions-SF1": "Its only task is a function that logs, and whose errors an alarm tells of",
    "AwsSolutions-SF2": "A map over one function: its log has what a trace would show",
}
_AT_ONCE = 10  # children; each has API rates of its own, but all share the account's functions


class Sweep(Construct):
    """Runs every `every`, in this region first of `costs.targets`; `ledger` gets what was found and done."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        environment: str,
        costs: Costs,
        ledger: CostLedger,
        artifact_bucket: s3.IBucket,
        alerts: AlertTopic,
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
                "artifact_bucket": artifact_bucket.bucket_name,
                "topic_arn": alerts.topic_arn,
                "account": Aws.ACCOUNT_ID,
            },
        )
        # The policy ends nothing in production but what is named.
        acts = environment != "prod" or policy["production"]
        enforced = [rule for rule in policy["enforced"] if rule in TAKEN] if acts else []
        self._allow(prefix, enforced, policy["own_only"], costs.targets)
        ledger.grant(self.handler.role, "GetItem", "PutItem", "Query", "DeleteItem")
        allow_prices(self.handler.role, artifact_bucket, key)
        if enforced:  # else there is nothing to tell of beforehand
            alerts.allow_publishing(self.handler.role)
        self._schedule(prefix, costs.targets)

    def _allow(self, prefix: str, enforced: list[str], own_only: bool, others: tuple[Target, ...]) -> None:
        role = self.handler.role
        everywhere = any(target.role_arn is None for target in others)
        permissions = SweepPermissions(role, prefix=prefix, everywhere=everywhere)
        permissions.allow_inventory()
        if enforced:
            permissions.allow_actions(enforced, own_only=own_only)
        if granted := sorted({target.role_arn for target in others if target.role_arn}):
            allow(role, ["sts:AssumeRole"], granted)

    def _schedule(self, prefix: str, others: tuple[Target, ...]) -> None:
        role = Role(self, "MapRole", assumed_by=from_this_account("states.amazonaws.com"))
        allow(role, ["lambda:InvokeFunction"], [self.handler.function.function_arn])
        machine = sfn.StateMachine(
            self,
            "Map",
            state_machine_name=f"{prefix}-sweep",
            definition_body=sfn.DefinitionBody.from_string(json.dumps(self._definition(), separators=(",", ":"))),
            role=role,
        )
        accept_each(machine, _ACCEPTED)
        accept_lint(machine, "W3005", "CDK has it depend on its role, to which it refers as well")
        starter = Role(self, "ScheduleRole", assumed_by=from_this_account("events.amazonaws.com"))
        swept = [{"region": Aws.REGION, "role_arn": ""}]
        swept += [{"region": target.region, "role_arn": target.role_arn or ""} for target in others]
        told = events.RuleTargetInput.from_object({"time": events.EventField.time, "targets": swept})
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(self.every),
            targets=[targets.SfnStateMachine(machine, input=told, role=starter)],
        )

    def _definition(self) -> dict[str, Any]:
        """One child for each account and region. One that fails stops no other: the function's alarm tells of it."""
        child = {
            "Type": "Task",
            "Resource": f"arn:{Aws.PARTITION}:states:::lambda:invoke",
            "Parameters": {"FunctionName": self.handler.function.function_arn, "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 60, "BackoffRate": 2, "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Failed"}],
            "End": True,
        }
        each = {
            "Type": "Map",
            "ItemsPath": "$.targets",
            "ItemSelector": {
                "time.$": "$.time",
                "region.$": "$$.Map.Item.Value.region",
                "role_arn.$": "$$.Map.Item.Value.role_arn",
            },
            "MaxConcurrency": _AT_ONCE,
            "ItemProcessor": {"StartAt": "Sweep", "States": {"Sweep": child, "Failed": {"Type": "Pass", "End": True}}},
            "End": True,
        }
        return {"StartAt": "Each", "States": {"Each": each}}
