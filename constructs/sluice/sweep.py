"""Idle endpoints and notebook instances are found on a schedule and, where that is switched on, ended."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from constructs import Construct

from config.schema import SweepPolicy
from sluice.arn import arn
from sluice.function import HandlerFunction
from sluice.permission import allow
from sluice.waiver import accept

_NOTEBOOK_LOGS = "log-group:/aws/sagemaker/NotebookInstances:log-stream:*"


class Sweep(Construct):
    """Runs every `every`; `ledger` holds what was found and done, by resource and time."""

    def __init__(
        self, scope: Construct, id: str, *, prefix: str, environment: str, policy: SweepPolicy, key: kms.IKey
    ) -> None:
        super().__init__(scope, id)
        self.every = Duration.hours(policy.every_hours)
        self.ledger = self._ledger(key)
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="sweep",
            key=key,
            timeout=Duration.minutes(15),
            environment={
                "mode": policy.mode,
                "platform": prefix,
                "environment": environment,
                "endpoint_idle_minutes": str(policy.endpoint_idle_minutes),
                "notebook_idle_minutes": str(policy.notebook_idle_minutes),
                "ledger_table": self.ledger.table_name,
            },
        )
        self._allow_inventory()
        # The policy ends nothing in production, so there is nothing to allow.
        if policy.mode == "enforce" and environment != "prod":
            self._allow_actions(prefix)
        self._allow_ledger(key)
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(self.every),
            targets=[targets.LambdaFunction(self.handler.function)],
        )

    def _ledger(self, key: kms.IKey) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Ledger",
            partition_key=dynamodb.Attribute(name="resource", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="at", type=dynamodb.AttributeType.STRING),
            time_to_live_attribute="expires_at",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        accept(
            table,
            "NIST.800.53.R5-DynamoDBInBackupPlan",
            "Point-in-time recovery covers 35 days; entries expire, and a backup plan would keep them",
        )
        return table

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
        allow(role, ["sagemaker:DescribeEndpoint"], [endpoints], wildcard=any_name)
        allow(role, ["sagemaker:DescribeNotebookInstance"], [notebooks], wildcard=any_name)
        allow(role, ["logs:GetLogEvents"], [arn(self, "logs", _NOTEBOOK_LOGS)], wildcard=any_name)

    def _allow_actions(self, prefix: str) -> None:
        """IAM holds the same line as the policy does: what is not tagged as ours cannot be ended."""
        role, tagged = self.handler.role, {"StringEquals": {"aws:ResourceTag/sluice:platform": prefix}}
        reason = "Narrowed to the resources that bear the platform's tag"
        allow(role, ["sagemaker:DeleteEndpoint"], [self._all("endpoint")], conditions=tagged, wildcard=reason)
        notebooks = [self._all("notebook-instance")]
        allow(role, ["sagemaker:StopNotebookInstance"], notebooks, conditions=tagged, wildcard=reason)

    def _allow_ledger(self, key: kms.IKey) -> None:
        role = self.handler.role
        allow(role, ["dynamodb:PutItem"], [self.ledger.table_arn])
        # DynamoDB uses the key in the name of who writes.
        via_table = {"StringEquals": {"kms:ViaService": f"dynamodb.{Aws.REGION}.{Aws.URL_SUFFIX}"}}
        uses = ["Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"]
        allow(role, [f"kms:{use}" for use in uses], [key.key_arn], conditions=via_table)

    def _all(self, resource: str) -> str:
        return arn(self, "sagemaker", f"{resource}/*")
