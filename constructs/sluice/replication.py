"""Copies of what is written to a bucket, in buckets that exist already."""

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.storage import Replication as ReplicationSettings
from sluice.permission import Role, allow, from_this_account


class Replication(Role):
    """What S3 copies as. Deletions are not copied: a copy outlives what was deleted by mistake.

    Actions: AWS, S3, "Setting up permissions for live replication" and "Replicating encrypted objects".
    """

    def __init__(self, scope: Construct, id: str, *, settings: ReplicationSettings, key: kms.IKey) -> None:
        super().__init__(scope, id, assumed_by=from_this_account("s3.amazonaws.com"))
        self._copy_key_arn = Stack.of(self).format_arn(
            service="kms", region=settings.region, resource="key", resource_name=settings.key_id
        )
        allow(self, ["kms:Decrypt"], [key.key_arn])
        allow(self, ["kms:Encrypt", "kms:GenerateDataKey"], [self._copy_key_arn])

    def copy(self, source: s3.Bucket, name: str) -> None:
        """Copies every new object of `source` to the bucket `name`."""
        stack = Stack.of(self)
        copy_arn = stack.format_arn(service="s3", region="", account="", resource=name)
        bucket = source.node.default_child
        assert isinstance(bucket, s3.CfnBucket)
        bucket.replication_configuration = s3.CfnBucket.ReplicationConfigurationProperty(
            role=self.role_arn,
            rules=[
                s3.CfnBucket.ReplicationRuleProperty(
                    status="Enabled",
                    priority=0,
                    filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=""),
                    delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(status="Disabled"),
                    source_selection_criteria=s3.CfnBucket.SourceSelectionCriteriaProperty(
                        sse_kms_encrypted_objects=s3.CfnBucket.SseKmsEncryptedObjectsProperty(status="Enabled")
                    ),
                    destination=s3.CfnBucket.ReplicationDestinationProperty(
                        bucket=copy_arn,
                        encryption_configuration=s3.CfnBucket.EncryptionConfigurationProperty(
                            replica_kms_key_id=self._copy_key_arn
                        ),
                    ),
                )
            ],
        )
        everything = "Replication copies every object of one bucket to one other"
        read = [f"s3:GetObjectVersion{part}" for part in ("ForReplication", "Acl", "Tagging")]
        allow(self, ["s3:GetReplicationConfiguration", "s3:ListBucket"], [source.bucket_arn])
        allow(self, read, [source.arn_for_objects("*")], wildcard=everything)
        allow(self, ["s3:ReplicateObject", "s3:ReplicateTags"], [f"{copy_arn}/*"], wildcard=everything)
