"""What every other stack stands on: key, buckets, network, alert topic."""

from aws_cdk import Annotations, Environment, Stack
from constructs import Construct

from config.schema import Platform
from sluice.alerts import AlertTopic
from sluice.guardrails import Guardrails
from sluice.network import Network
from sluice.published import Published
from sluice.storage import PlatformKey, Storage


class FoundationStack(Stack):
    """`key`, `data_bucket`, `artifact_bucket`, `access_log_bucket`, `network`, `guardrails`, `alerts`."""

    def __init__(self, scope: Construct, id: str, *, platform: Platform, env: Environment) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: key, buckets, network, alerts")
        self._zones = list(platform.network.availability_zones)
        self.key = PlatformKey(self, "Key", alias=platform.prefix)
        storage = Storage(
            self,
            "Storage",
            key=self.key,
            settings=platform.storage,
            environment=platform.environment,
            monitors=platform.monitors,
        )
        self.data_bucket = storage.data
        self.artifact_bucket = storage.artifacts
        self.access_log_bucket = storage.access_logs
        self.network = Network(self, "Network", settings=platform.network, key=self.key)
        self.guardrails = Guardrails(
            self,
            "Guardrails",
            prefix=platform.prefix,
            team=platform.tags["sluice:team"],
            limits=platform.guardrails,
            subnet_ids=[] if self.network.internet else self.network.subnet_ids,
        )
        self.alerts = AlertTopic(self, "Alerts", key=self.key, emails=platform.alerts.emails)
        self._publish(platform.prefix)
        for told in platform.left_out:
            Annotations.of(self).add_info(told)
        # CloudFormation removes no export while a stack imports it, and this stack is updated before those that do. So
        # it exports the same whatever workloads there are; all else that is imported is also imported without any.
        for bucket in (self.data_bucket, self.artifact_bucket):
            self.export_value(bucket.bucket_name)

    def _publish(self, prefix: str) -> None:
        values = {
            "key-arn": self.key.key_arn,
            "data-bucket": self.data_bucket.bucket_name,
            "artifact-bucket": self.artifact_bucket.bucket_name,
            "vpc-id": self.network.vpc.vpc_id,
            "subnet-ids": ",".join(self.network.subnet_ids),
            "security-group-ids": ",".join(self.network.security_group_ids),
            "permissions-boundary-arn": self.guardrails.boundary.managed_policy_arn,
            "alert-topic-arn": self.alerts.topic_arn,
        }
        Published(self, "Published", prefix=prefix, values=values)

    @property
    def availability_zones(self) -> list[str]:
        """The configured zones: CDK would otherwise look them up with credentials while synthesizing."""
        return self._zones
