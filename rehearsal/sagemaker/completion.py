"""What AWS checks and generates when something is created, and what this cloud refuses because it would do nothing."""

import secrets
import string
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jmespath

from rehearsal.sagemaker import studio
from rehearsal.sagemaker.kinds import BY_NOUN
from rehearsal.sagemaker.store import AwsError, Record

if TYPE_CHECKING:
    from rehearsal.sagemaker.service import Service

_ALPHABET = string.ascii_lowercase + string.digits
_CONTAINER = "[PrimaryContainer, Containers[]][]"

# Operation -> what it may ask for and would get no effect here, as a JMESPath that finds something then. What is a
# record in AWS too, as far as anything here can see (keys, security groups, sizes, descriptions), is stored.
NOT_EMULATED: dict[str, dict[str, str]] = {
    "CreateDomain": {
        "AuthMode": "AuthMode == 'SSO' || null",
        "AppSecurityGroupManagement": "AppSecurityGroupManagement",
        "DomainSettings.RStudioServerProDomainSettings": "DomainSettings.RStudioServerProDomainSettings",
        "DomainSettings.TrustedIdentityPropagationSettings": "DomainSettings.TrustedIdentityPropagationSettings",
        "DomainSettings.UnifiedStudioSettings": "DomainSettings.UnifiedStudioSettings",
    },
    "UpdateDomain": {
        "AppSecurityGroupManagement": "AppSecurityGroupManagement",
        "HomeEfsFileSystemCreation": "HomeEfsFileSystemCreation",
        "DomainSettingsForUpdate.RStudioServerProDomainSettingsForUpdate": (
            "DomainSettingsForUpdate.RStudioServerProDomainSettingsForUpdate"
        ),
        "DomainSettingsForUpdate.TrustedIdentityPropagationSettings": (
            "DomainSettingsForUpdate.TrustedIdentityPropagationSettings"
        ),
        "DomainSettingsForUpdate.UnifiedStudioSettings": "DomainSettingsForUpdate.UnifiedStudioSettings",
    },
    "CreateUserProfile": {name: name for name in ("SingleSignOnUserIdentifier", "SingleSignOnUserValue")},
    "CreateSpace": {"SpaceSettings.SpaceManagedResources": "SpaceSettings.SpaceManagedResources == 'ENABLED' || null"},
    "CreateApp": {"ResourceSpec.TrainingPlanArn": "ResourceSpec.TrainingPlanArn", "RecoveryMode": "RecoveryMode"},
    "CreateNotebookInstance": {name: name for name in ("LifecycleConfigName", "AcceleratorTypes")},
    "CreateModel": {
        "Containers": "Containers[1]",
        "InferenceExecutionConfig": "InferenceExecutionConfig",
        "Mode": f"{_CONTAINER}.Mode | [?@ != 'SingleModel']",
        **{
            name: f"{_CONTAINER}.{name}"
            for name in (
                "MultiModelConfig",
                "ModelDataSource",
                "AdditionalModelDataSources",
                "InferenceSpecificationName",
                "ImageConfig",
                "ContainerMetricsConfig",
            )
        },
    },
    "CreateModelPackageGroup": {"ManagedConfiguration": "ManagedConfiguration"},
    "CreateModelPackage": {
        "CertifyForMarketplace": "CertifyForMarketplace",
        **{
            name: name
            for name in ("ValidationSpecification", "SourceAlgorithmSpecification", "SourceUri", "ManagedStorageType")
        },
    },
    "UpdateModelPackage": {
        name: name
        for name in (
            "CustomerMetadataPropertiesToRemove",
            "AdditionalInferenceSpecificationsToAdd",
            "SourceUri",
            "ModelPackageRegistrationType",
        )
    },
    "CreateEndpointConfig": {
        **{
            name: name
            for name in (
                "ShadowProductionVariants",
                "AsyncInferenceConfig",
                "ExplainerConfig",
                "ExecutionRoleArn",
                "VpcConfig",
                "EnableNetworkIsolation",
                "MetricsConfig",
            )
        },
        **{
            name: f"ProductionVariants[].{name}"
            for name in (
                "ServerlessConfig",
                "ManagedInstanceScaling",
                "InstancePools",
                "CoreDumpConfig",
                "AcceleratorType",
                "RoutingConfig",
                "CapacityReservationConfig",
                "AcceleratorPartitionLayouts",
            )
        },
    },
    "CreateEndpoint": {"DeploymentConfig": "DeploymentConfig"},
    "UpdateEndpoint": {
        name: name
        for name in (
            "DeploymentConfig",
            "RetainAllVariantProperties",
            "ExcludeRetainedVariantProperties",
            "RetainDeploymentConfig",
        )
    },
    "CreatePipeline": {name: name for name in ("PipelineDefinitionS3Location", "PipelineVersionAliases")},
    "UpdatePipeline": {name: name for name in ("PipelineDefinitionS3Location", "PipelineVersionAliases")},
    "StartPipelineExecution": {
        name: name
        for name in (
            "SelectiveExecutionConfig",
            "PipelineVersionId",
            "PipelineVersionAlias",
            "MlflowExperimentName",
            "RoleArn",
        )
    },
}


def refuse_what_does_nothing(operation: str, request: dict[str, Any]) -> None:
    """Raises AwsError that names the member whose effect is not emulated."""
    for member, path in NOT_EMULATED.get(operation, {}).items():
        if jmespath.search(path, request) not in (None, False, []):
            raise AwsError("ValidationException", f"{member} as asked for is not emulated by this cloud.")


def identifier(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def complete(service: "Service", noun: str, record: Record) -> None:
    """Add what AWS generates. Raises AwsError when what the record names does not exist or does not fit."""
    if noun in _COMPLETE:
        _COMPLETE[noun](service, record)


def _model(service: "Service", record: Record) -> None:
    containers = [record["PrimaryContainer"]] if "PrimaryContainer" in record else record.get("Containers")
    if not containers or not all("Image" in each or "ModelPackageName" in each for each in containers):
        raise AwsError("ValidationException", "A model needs a container with an Image or a ModelPackageName.")


def _package(service: "Service", record: Record) -> None:
    if not record.get("ModelPackageGroupName"):
        raise AwsError(
            "ValidationException", "This cloud keeps versioned model packages only: give ModelPackageGroupName."
        )
    if "ModelPackageName" in record:
        raise AwsError(
            "ValidationException",
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to "
            "use.",
        )
    if record.get("Tags"):  # API reference, CreateModelPackage, Tags
        raise AwsError("ValidationException", "A versioned model package uses the tags of its group: give no Tags.")
    group = service.store.find("ModelPackageGroup", ModelPackageGroupName=record["ModelPackageGroupName"])
    name = group["ModelPackageGroupName"]
    group["_versions"] = record["ModelPackageVersion"] = group.get("_versions", 0) + 1  # a number is given once
    # The model demands a ModelPackageName, which a versioned package does not have.
    record["ModelPackageGroupName"] = record["ModelPackageName"] = name
    record["_Versioned"] = f"{name}/{record['ModelPackageVersion']}"
    record["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}


def _pipeline(service: "Service", record: Record) -> None:
    if "PipelineDefinition" not in record:
        raise AwsError("ValidationException", "This cloud reads a pipeline from PipelineDefinition only.")


def _execution(service: "Service", record: Record) -> None:
    pipeline = service.store.find("Pipeline", **record)
    record["PipelineExecutionId"] = identifier(12)
    record["PipelineArn"] = pipeline["PipelineArn"]
    record["StartTime"] = pipeline["LastRunTime"] = pipeline["LastExecutionTime"] = record["CreationTime"]
    record["Steps"] = []
    # It is the key as well, so it is there before the service adds it.
    record["PipelineExecutionArn"] = service.host.arn(BY_NOUN["PipelineExecution"].resource(record))


def _training_job(service: "Service", record: Record) -> None:
    record["SecondaryStatus"] = "Starting"
    # API reference, DescribeTrainingJob: the location that is configured, whatever comes of the job.
    path = f"{record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{record['TrainingJobName']}/output/model.tar.gz"
    record["ModelArtifacts"] = {"S3ModelArtifacts": path}


def _transform_job(service: "Service", record: Record) -> None:
    service.store.find("Model", "CreateTransformJob", **record)


def _endpoint(service: "Service", record: Record) -> None:
    service.store.find("EndpointConfig", "CreateEndpoint", **record)


def _config(service: "Service", record: Record) -> None:
    for variant in record["ProductionVariants"]:
        service.store.find("Model", "CreateEndpointConfig", **variant)


def _notebook(service: "Service", record: Record) -> None:
    if record["DirectInternetAccess"] == "Disabled" and "SubnetId" not in record:  # API reference
        raise AwsError("ValidationException", "DirectInternetAccess is Disabled: that needs a SubnetId.")
    record["SecurityGroups"] = record.get("SecurityGroupIds")
    record["Url"] = f"{record['NotebookInstanceName'].lower()}.notebook.invalid"


_COMPLETE: dict[str, Callable[["Service", Record], None]] = {
    "Domain": studio.complete_domain,
    "UserProfile": studio.complete_profile,
    "Space": studio.complete_space,
    "App": studio.complete_app,
    "Model": _model,
    "ModelPackage": _package,
    "Pipeline": _pipeline,
    "PipelineExecution": _execution,
    "TrainingJob": _training_job,
    "TransformJob": _transform_job,
    "Endpoint": _endpoint,
    "EndpointConfig": _config,
    "NotebookInstance": _notebook,
}
