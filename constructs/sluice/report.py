"""What the controls saved, did and saw is told to people every day."""

import json

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.costs import Costs
from sluice.alerts import AlertTopic
from sluice.arn import arn
from sluice.cost_ledger import CostLedger
from sluice.function import HandlerFunction
from sluice.permission import allow, allow_key

_FOLDER = "costs/reports"  # as `controls.report` has it


class Report(Construct):
    """A page for each day in `artifact_bucket`, and word of it by `alerts` and, where configured, Slack."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        costs: Costs,
        ledger: CostLedger,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        alerts: AlertTopic,
    ) -> None:
        super().__init__(scope, id)
        slack = costs.report.slack_parameter
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="report",
            key=key,
            timeout=Duration.minutes(5),
            environment={
                "platform": prefix,
                "ledger_table": ledger.table_name,
                "artifact_bucket": artifact_bucket.bucket_name,
                "topic_arn": alerts.topic_arn,
                "slack_parameter": slack or "",
                "budget_usd": json.dumps(costs.budget.usd_per_month if costs.budget else None),
            },
        )
        role = self.handler.role
        ledger.grant(role, "GetItem", "PutItem", "DeleteItem", "Query")
        ledger.grant_days(role)
        alerts.allow_publishing(role)
        pages = artifact_bucket.arn_for_objects(f"{_FOLDER}/*")
        allow(role, ["s3:PutObject"], [pages], wildcard="Each day has a page of its own in this folder")
        allow_key(role, key, "s3", "GenerateDataKey")
        if slack:
            allow(role, ["ssm:GetParameter"], [arn(self, "ssm", f"parameter{slack}")])
            # Of a parameter under the platform's key; the account's own key for parameters asks for no permission.
            allow_key(role, key, "ssm", "Decrypt")
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.cron(minute="0", hour=str(costs.report.at_hour)),
            targets=[targets.LambdaFunction(self.handler.function)],
        )
