"""The platform's key and its buckets."""

from collections.abc import Iterator, Mapping

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.monitoring import Monitor
from config.storage import Environment
from config.storage import Storage as StorageSettings
from sluice.replication import Replication
from sluice.waiver import accept, accept_each


class PlatformKey(kms.Key):
    """The one customer key. Log groups and alarms of this account may use it; others need a grant."""

    def __init__(self, scope: Construct, id: str, *, alias: str) -> None:
        super().__init__(
            scope,
            id,
            alias=f"alias/{alias}",
            description=f"Everything that {alias} stores",
            enable_key_rotation=True,
            # A bucket that is kept cannot be read without its key.
            removal_policy=RemovalPolicy.RETAIN,
        )
        stack = Stack.of(self)
        # The one principal here that is not named the same in all partitions.
        self._allow_service(
            f"logs.{stack.region}.{Aws.URL_SUFFIX}",
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": stack.format_arn(service="logs", resource="*")}},
        )
        self._allow_service("cloudwatch.amazonaws.com", {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}})

    def _allow_service(self, service: str, conditions: dict[str, dict[str, str]]) -> None:
        self.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                principals=[iam.ServicePrincipal(service)],
                resources=["*"],  # in a key policy: this key
                conditions=conditions,
            )
        )


class Storage(Construct):
    """Buckets for data and artifacts, and one for their access logs. All of them outlive the stack, everywhere.

    EventBridge hears of what is written to the artifacts. There, what workloads' `monitors` go by and find has an end.

    Who may do what in them is granted by prefix (`sluice.roles`, `sluice.personas`): access points would be a second
    name for the same boundaries.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        key: kms.IKey,
        settings: StorageSettings,
        environment: Environment,
        monitors: Mapping[str, Monitor],
    ) -> None:
        super().__init__(scope, id)
        ending = s3.LifecycleRule(
            abort_incomplete_multipart_upload_after=Duration.days(settings.incomplete_upload_days),
            noncurrent_version_expiration=Duration.days(settings.keeps_noncurrent(environment)),
        )
        self.access_logs = s3.Bucket(
            self,
            "AccessLogs",
            # S3 delivers access logs only to buckets with keys of its own, never with a customer key.
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                ending,
                s3.LifecycleRule(expiration=Duration.days(settings.keeps_access_logs(environment))),
            ],
            **_CLOSED,
        )
        accept_each(
            self.access_logs,
            {
                "NIST.800.53.R5-S3BucketReplicationEnabled": "Records of access, kept for a time and read by people",
                "NIST.800.53.R5-S3DefaultEncryptionKMS": "S3 delivers access logs only to buckets with keys of its own",
            },
        )
        cheaper = []
        if settings.artifact_infrequent_days:
            after = Duration.days(settings.artifact_infrequent_days)
            infrequent = s3.Transition(storage_class=s3.StorageClass.INFREQUENT_ACCESS, transition_after=after)
            cheaper = [s3.LifecycleRule(transitions=[infrequent])]
        self.data = self._bucket("Data", key, [ending])
        self.artifacts = self._bucket("Artifacts", key, [ending, *cheaper, *_monitored(settings, monitors)])
        # By the resource itself: `event_bridge_enabled` would bring a function of CDK's own.
        resource = self.artifacts.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        if settings.replication:
            replication = Replication(self, "Replication", settings=settings.replication, key=key)
            replication.copy(self.data, settings.replication.data_bucket)
            replication.copy(self.artifacts, settings.replication.artifact_bucket)
        else:
            for bucket in (self.data, self.artifacts):
                accept(
                    bucket,
                    "NIST.800.53.R5-S3BucketReplicationEnabled",
                    "Versioned and kept when the stack goes; a copy in another region is for each team to decide",
                )

    def _bucket(self, id: str, key: kms.IKey, endings: list[s3.LifecycleRule]) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            id,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix=f"{id.lower()}/",
            lifecycle_rules=endings,
            **_CLOSED,
        )
        # What names no encryption gets the bucket's, with our key. What names KMS but no key gets AWS's own one for S3:
        # that is not refused, because AWS does not say that each part of a large upload counts as naming the key.
        headers: dict[str, list[str]] = {
            "": ["aws:kms", "aws:kms:dsse"],
            "-aws-kms-key-id": [key.key_arn],
            "-customer-algorithm": [],  # a key that the caller keeps
        }
        for header, allowed in headers.items():
            named = f"s3:x-amz-server-side-encryption{header}"
            other = {"StringNotEquals": {named: allowed}} if allowed else {}
            bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    effect=iam.Effect.DENY,
                    actions=["s3:PutObject"],
                    principals=[iam.AnyPrincipal()],
                    resources=[bucket.arn_for_objects("*")],
                    conditions={"Null": {named: "false"}, **other},
                )
            )
        return bucket


def _monitored(settings: StorageSettings, monitors: Mapping[str, Monitor]) -> Iterator[s3.LifecycleRule]:
    """Nothing else ever removes these; monitor/baseline/ is not among them, which a monitor needs while it is there."""
    for name, monitor in monitors.items():
        kept = {"capture": max(settings.capture_days, monitor.looks_back_days)}
        kept |= dict.fromkeys(("monitor/endpoint", "monitor/batch", "monitor/native"), settings.monitor_days)
        for folder, days in kept.items():
            yield s3.LifecycleRule(prefix=f"{name}/{folder}/", expiration=Duration.days(days))


_CLOSED = {
    "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
    "enforce_ssl": True,
    "minimum_tls_version": 1.2,
    "versioned": True,
    "removal_policy": RemovalPolicy.RETAIN,
}
