"""The baseline of the version that serves, where SageMaker's own monitors look for it."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from sluice.permission import allow, allow_key

FOLDER = "monitor/baseline/"
# By kind, what runs leave, and what `controls.monitors.baselines` makes of it.
_REPORTS = {
    "data-quality": ("statistics.json", "constraints.json"),
    "model-quality": ("evaluation.json",),
    "bias": ("bias.json",),
}
_FILES = {
    "data-quality": ("statistics.json", "data-quality.json"),
    "model-quality": ("model-quality.json",),
    "bias": ("bias.json", "analysis_config.json"),
}


class Baseline:
    """Of `workload`, whose table has the column `target`, for each of `kinds`."""

    def __init__(
        self, *, workload: str, target: str, kinds: Sequence[str], artifact_bucket: s3.IBucket, key: kms.IKey
    ) -> None:
        self._workload, self._kinds, self._bucket, self._key = workload, kinds, artifact_bucket, key
        place = {"bucket": artifact_bucket.bucket_name, "folder": f"{workload}/{FOLDER}"}
        # As `controls.monitors.baselines.point` takes it.
        self.told: dict[str, Any] = {**place, "kinds": list(kinds), "target": target}

    def grant(self, role: iam.Role, packages: Sequence[str]) -> None:
        """Make it of what one of the model packages `packages` brings."""
        allow(role, ["sagemaker:DescribeModelPackage"], packages, wildcard="SageMaker numbers the versions of a group")
        objects = self._bucket.arn_for_objects
        reports = [objects(f"{self._workload}/*/{name}") for kind in self._kinds for name in _REPORTS[kind]]
        allow(role, ["s3:GetObject"], reports, wildcard="Runs name the folders of what they leave")
        made = [objects(f"{self._workload}/{FOLDER}{name}") for kind in self._kinds for name in _FILES[kind]]
        allow(role, ["s3:PutObject"], made)
        allow_key(role, self._key, "s3", "Decrypt", "GenerateDataKey")
