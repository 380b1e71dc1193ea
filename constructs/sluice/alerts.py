"""The topic that alarms speak through."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from sluice.permission import allow, allow_key
from sluice.storage import PlatformKey


class AlertTopic(sns.Topic):
    """Mails what the alarms of this account publish; `key` encrypts it and lets CloudWatch do so."""

    def __init__(self, scope: Construct, id: str, *, key: PlatformKey, emails: tuple[str, ...]) -> None:
        super().__init__(scope, id, master_key=key, enforce_ssl=True)
        self._key = key
        # With a policy of its own (here for TLS) a topic loses the default one, by which its account may publish.
        self.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[self.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        for email in emails:
            self.add_subscription(subscriptions.EmailSubscription(email))

    def allow_publishing(self, role: iam.Role) -> None:
        """In this account the role's own permission is enough; the topic's policy need not name it."""
        allow(role, ["sns:Publish"], [self.topic_arn])
        allow_key(role, self._key, "sns", "Decrypt", "GenerateDataKey")
