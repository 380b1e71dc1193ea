"""The platform's key and its buckets."""

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.schema import Storage as StorageSettings
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
        self._allow_service(
            f"logs.{stack.region}.amazonaws.com",
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
    """Buckets for data and artifacts, and one for their access logs. All of them outlive the stack."""

    def __init__(self, scope: Construct, id: str, *, key: kms.IKey, settings: StorageSettings) -> None:
        super().__init__(scope, id)
        endings = [
            s3.LifecycleRule(
                abort_incomplete_multipart_upload_after=Duration.days(settings.incomplete_upload_days),
                noncurrent_version_expiration=Duration.days(settings.noncurrent_days),
            )
        ]
        self.access_logs = s3.Bucket(
            self,
            "AccessLogs",
            # S3 delivers access logs only to buckets with keys of its own, never with a customer key.
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[*endings, s3.LifecycleRule(expiration=Duration.days(settings.access_log_days))],
            **_CLOSED,
        )
        accept_each(
            self.access_logs,
            {
                "NIST.800.53.R5-S3BucketReplicationEnabled": "Records of access, kept for a time and read by people",
                "NIST.800.53.R5-S3DefaultEncryptionKMS": "S3 delivers access logs only to buckets with keys of its own",
            },
        )
        self.data = self._bucket("Data", key, endings)
        self.artifacts = self._bucket("Artifacts", key, endings)

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
        accept(
            bucket,
            "NIST.800.53.R5-S3BucketReplicationEnabled",
            "Versioned and kept when the stack goes; a copy in another region is for each team to decide",
        )
        return bucket


_CLOSED = {
    "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
    "enforce_ssl": True,
    "minimum_tls_version": 1.2,
    "versioned": True,
    "removal_policy": RemovalPolicy.RETAIN,
}
