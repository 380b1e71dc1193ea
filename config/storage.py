"""How long what is stored is kept, and where a copy goes."""

from typing import Annotated, Literal

from pydantic import Field

from config.instances import Region
from config.section import Positive, Section
from config.wording import Shape

Environment = Literal["dev", "staging", "prod"]

BucketName = Annotated[
    str,
    Shape(
        r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "must be the name of a bucket: 3 to 63 small letters, digits, dots and dashes, a letter or digit at both ends",
    ),
]
KeyId = Annotated[
    str, Shape(r"^[a-z0-9-]{36,40}$", "must be the id of a key, such as 1234abcd-12ab-34cd-56ef-1234567890ab")
]


class Replication(Section):
    """Two versioned buckets of this account in `region`, which new objects are copied to under the key `key_id` there.

    They must exist, as must the key: a stack makes buckets in one region only.
    """

    region: Region
    data_bucket: BucketName
    artifact_bucket: BucketName
    key_id: KeyId


class Storage(Section):
    """Days. Where none are given the environment decides: production keeps longer."""

    noncurrent_days: Positive | None = None
    access_log_days: Positive | None = None
    incomplete_upload_days: Positive = 7
    # S3 moves nothing to its cheaper class before 30 days.
    artifact_infrequent_days: Annotated[int, Field(ge=30)] | None = 90
    # Of a model with a monitor: what its endpoint was asked and answered, and what each window showed.
    capture_days: Annotated[int, Field(ge=30)] = 90
    monitor_days: Annotated[int, Field(ge=30)] = 365
    replication: Replication | None = None

    def keeps_noncurrent(self, environment: Environment) -> int:
        """Days that what was overwritten or deleted can be brought back."""
        return self.noncurrent_days or (365 if environment == "prod" else 30)

    def keeps_access_logs(self, environment: Environment) -> int:
        return self.access_log_days or (365 if environment == "prod" else 90)
