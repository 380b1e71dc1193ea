"""The endpoint of one workload. Promotion makes it at run time; here is what it may become and who may touch it."""

from collections.abc import Iterable, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.workload import ServeSettings
from sluice.arn import arn
from sluice.network import Network
from sluice.permission import allow, allow_grants, allow_key
from sluice.roles import WorkloadRole

_VERSIONS = "Names end in the version of the model package, known only at run time"
# By kind, what runs leave, and what `controls.baselines` makes of it for SageMaker's own monitors.
_REPORTS = {
    "data-quality": ("statistics.json", "constraints.json"),
    "model-quality": ("evaluation.json",),
    "bias": ("bias.json",),
}
_BASELINES = {
    "data-quality": ("statistics.json", "data-quality.json"),
    "model-quality": ("model-quality.json",),
    "bias": ("bias.json", "analysis_config.json"),
}


class Endpoint(Construct):
    """`name` is that of the workload's model package group as well; `hosting` is what promotion is told about it.

    Of `capture_percent` of its requests a copy is kept, with the answer, for the workload's monitor. `compared`: the
    kinds that SageMaker's own monitors examine, which compare with the baseline of the version that is served.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        workload: str,
        serve: ServeSettings,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        network: Network,
        image_uris: Iterable[str],
        capture_percent: int = 0,
        compared: Sequence[str] = (),
        target: str = "",
    ) -> None:
        super().__init__(scope, id)
        self.name, self._key = name, key
        self.role = WorkloadRole(
            self,
            "Role",
            workload=workload,
            description=f"The endpoint {name}",
            log_groups=[f"/aws/sagemaker/Endpoints/{name}"],
        )
        self.role.allow_data(artifact_bucket, write=False)
        allow(self.role, ["kms:Decrypt"], [key.key_arn])
        self.role.allow_network(network)
        self.role.allow_images(image_uris)
        self.hosting: dict[str, Any] = {
            "workload": workload,
            "instance_type": serve.instance_type,
            "instance_count": serve.instance_count,
            "role_arn": self.role.role_arn,
        }
        if capture_percent:
            folder = f"{workload}/capture"
            self.hosting |= {"capture_percent": capture_percent}
            self.hosting |= {"capture_uri": f"s3://{artifact_bucket.bucket_name}/{folder}"}
            # SageMaker writes what it captures as the endpoint.
            self.role.allow_data(artifact_bucket, write=True, prefix=f"{folder}/")
            allow_key(self.role, key, "s3", "GenerateDataKey")
        self._artifacts, self._compared = artifact_bucket, compared
        if compared:
            place = {"bucket": artifact_bucket.bucket_name, "folder": f"{workload}/monitor/baseline/"}
            self.hosting |= {"baseline": {**place, "kinds": list(compared), "target": target}}
        self._endpoint = self._arn("endpoint", name)
        # As `controls.release` names them.
        self._config = self._arn("endpoint-config", f"{name}-v*")
        self._model = self._arn("model", f"{name}-v*")

    def grant_promotion(self, role: iam.Role) -> None:
        """Create the endpoint and change what it serves."""
        allow(role, ["sagemaker:DescribeEndpoint", "sagemaker:ListTags"], [self._endpoint])
        packages = [self._arn("model-package", f"{self.name}/*"), self._arn("model-package-group", self.name)]
        allow(role, ["sagemaker:ListModelPackages"], packages, wildcard="SageMaker numbers the versions of a group")
        # Both actions are checked against the endpoint and against its configuration.
        allow(
            role,
            ["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"],
            [self._endpoint, self._config],
            wildcard=_VERSIONS,
        )
        allow(role, ["sagemaker:CreateEndpointConfig"], [self._config], wildcard=_VERSIONS)
        allow(role, ["sagemaker:CreateModel"], [self._model], wildcard=_VERSIONS)
        allow(role, ["sagemaker:AddTags"], [self._endpoint, self._config, self._model], wildcard=_VERSIONS)
        passed_to = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        allow(role, ["iam:PassRole"], [self.role.role_arn], conditions=passed_to)
        # The volumes of the endpoint's instances are encrypted under a grant that its creator gives.
        allow_grants(role, self._key)
        if self._compared:
            self._grant_comparison(role)

    def _grant_comparison(self, role: iam.Role) -> None:
        """Put the baseline of a version where monitors look for it."""
        workload, objects = self.hosting["workload"], self._artifacts.arn_for_objects
        packages = [self._arn("model-package", f"{self.name}/*")]
        allow(role, ["sagemaker:DescribeModelPackage"], packages, wildcard="SageMaker numbers the versions of a group")
        reports = [objects(f"{workload}/*/{name}") for kind in self._compared for name in _REPORTS[kind]]
        allow(role, ["s3:GetObject"], reports, wildcard="Runs name the folders of what they leave")
        made = [name for kind in self._compared for name in _BASELINES[kind]]
        allow(role, ["s3:PutObject"], [objects(f"{workload}/monitor/baseline/{name}") for name in made])
        allow_key(role, self._key, "s3", "Decrypt", "GenerateDataKey")

    def _arn(self, resource: str, name: str) -> str:
        return arn(self, "sagemaker", f"{resource}/{name}")
