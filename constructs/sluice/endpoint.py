"""The endpoint of one workload. Promotion makes it at run time; here is what it may become and who may touch it."""

from collections.abc import Iterable

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.monitoring import BATCHES
from config.workload import ServeSettings
from sluice.arn import arn
from sluice.network import Network
from sluice.permission import allow, allow_grants, allow_key
from sluice.roles import WorkloadRole

_BATCH_LOGS = ("/aws/sagemaker/TransformJobs",)
_VERSIONS = "Names end in the version of the model package, known only at run time"


class Endpoint(Construct):
    """`name` is that of the workload's model package group as well; `hosting` is what promotion is told about it.

    Of `capture_percent` of its requests a copy is kept, with the answer, for the workload's monitor. Its models may be
    asked by batch transform about what lies in the workload's folder of `batch_bucket`, where there is one.
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
        batch_bucket: s3.IBucket | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.name, self._key = name, key
        self.role = WorkloadRole(
            self,
            "Role",
            workload=workload,
            description=f"The endpoint {name}",
            log_groups=[f"/aws/sagemaker/Endpoints/{name}", *(_BATCH_LOGS if batch_bucket else ())],
        )
        self.role.allow_data(artifact_bucket, write=False)
        allow(self.role, ["kms:Decrypt"], [key.key_arn])
        self.role.allow_network(network)
        self.role.allow_images(image_uris)
        self.hosting = {
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
        if batch_bucket:
            # A transform job runs as the model that it asks, and writes its manifests as that.
            self.role.allow_data(batch_bucket, write=False, prefix=f"{workload}/{BATCHES}")
            for folder in (BATCHES, f"capture/{BATCHES}"):
                self.role.allow_data(artifact_bucket, write=True, prefix=f"{workload}/{folder}")
            allow_key(self.role, key, "s3", "GenerateDataKey")
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

    def _arn(self, resource: str, name: str) -> str:
        return arn(self, "sagemaker", f"{resource}/{name}")
