"""The table of what was found, done and spent, and of what has to be remembered between two runs."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sluice.permission import allow, allow_key
from sluice.waiver import accept

_INDEX = "by-day"  # as `controls.ledger` names it


class CostLedger(Construct):
    """Keyed by `subject` and `at`; the index `by-day` has the entries of a day in order of time."""

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey) -> None:
        super().__init__(scope, id)
        self._key = key
        self.table = dynamodb.Table(
            self,
            "Resource",
            partition_key=dynamodb.Attribute(name="subject", type=dynamodb.AttributeType.STRING),
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
        self.table.add_global_secondary_index(
            index_name=_INDEX,
            partition_key=dynamodb.Attribute(name="day", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="at", type=dynamodb.AttributeType.STRING),
        )
        accept(
            self.table,
            "NIST.800.53.R5-DynamoDBInBackupPlan",
            "Point-in-time recovery covers 35 days; entries expire, and a backup plan would keep them",
        )
        self.table_name = self.table.table_name

    def grant(self, role: iam.Role, *actions: str) -> None:
        """Let `role` do `actions` (of DynamoDB, such as `PutItem` and `Query`) on the table."""
        allow(role, [f"dynamodb:{action}" for action in actions], [self.table.table_arn])
        # DynamoDB uses the key in the name of who asks.
        uses = ["Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"]
        allow_key(role, self._key, "dynamodb", *uses)

    def grant_days(self, role: iam.Role) -> None:
        """Let `role` read the entries of a day; beside `grant`."""
        allow(role, ["dynamodb:Query"], [f"{self.table.table_arn}/index/{_INDEX}"])
