"""What AWS checks and generates when something is created."""

import secrets
import string
from collections.abc import Callable
from typing import TYPE_CHECKING

from rehearsal.sagemaker import components, studio, tuning_results
from rehearsal.sagemaker.kinds import BY_NOUN
from rehearsal.sagemaker.store import AwsError, Record

if TYPE_CHECKING:
    from rehearsal.sagemaker.service import Service

_ALPHABET = string.ascii_lowercase + string.digits


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
    for each in containers:
        if "ModelPackageName" in each:
            service.store.find("ModelPackage", "CreateModel", **each)


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
    record["StartTime"] = record["CreationTime"]
    record["Steps"] = []
    # It is the key as well, so it is there before the service adds it.
    record["PipelineExecutionArn"] = service.host.arn(BY_NOUN["PipelineExecution"].resource(record))


def _training_job(service: "Service", record: Record) -> None:
    record["SecondaryStatus"] = "Starting"
    # API reference, DescribeTrainingJob: the location that is configured, whatever comes of the job.
    path = f"{record['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{record['TrainingJobName']}/output/model.tar.gz"
    record["ModelArtifacts"] = {"S3ModelArtifacts": path}


def _automl_job(service: "Service", record: Record) -> None:
    record["AutoMLProblemTypeConfigName"] = "Tabular"


def _tuning_job(service: "Service", record: Record) -> None:
    config = record["HyperParameterTuningJobConfig"]
    record |= {"Strategy": config["Strategy"], "ResourceLimits": config["ResourceLimits"]}  # as its list tells them
    record |= tuning_results.Objective(config).progress([])


def _transform_job(service: "Service", record: Record) -> None:
    service.store.find("Model", "CreateTransformJob", **record)


def _endpoint(service: "Service", record: Record) -> None:
    service.store.find("EndpointConfig", "CreateEndpoint", **record)


def _config(service: "Service", record: Record) -> None:
    names = [variant["VariantName"] for variant in record["ProductionVariants"]]
    if len(set(names)) < len(names):  # AWS's words are not verified
        raise AwsError("ValidationException", f"The names of production variants must be unique: {', '.join(names)}")
    for variant in record["ProductionVariants"]:
        if "ModelName" in variant:
            service.store.find("Model", "CreateEndpointConfig", **variant)
        elif "ExecutionRoleArn" not in record:  # API reference, CreateEndpointConfig; its words are not verified
            raise AwsError("ValidationException", "A variant for inference components needs an ExecutionRoleArn.")
        if "ServerlessConfig" in variant and "InstanceType" in variant:
            raise AwsError("ValidationException", "A variant has an InstanceType or a ServerlessConfig, not both.")


def _mlflow_app(service: "Service", record: Record) -> None:
    record["MlflowAppId"] = f"app-{identifier(12).upper()}"
    record["Arn"] = service.host.arn(
        BY_NOUN["MlflowApp"].resource(record)
    )  # the key, so it is there before it is added


def _monitoring_schedule(service: "Service", record: Record) -> None:
    config = record["MonitoringScheduleConfig"]
    inputs = config.get("MonitoringJobDefinition", {}).get("MonitoringInputs", [])
    endpoints = [each["EndpointInput"]["EndpointName"] for each in inputs if "EndpointInput" in each]
    names = {"EndpointName": next(iter(endpoints), None)}
    names |= {name: config.get(name) for name in ("MonitoringJobDefinitionName", "MonitoringType")}
    record |= {name: value for name, value in names.items() if value}


def _tracking_server(service: "Service", record: Record) -> None:
    record["TrackingServerUrl"] = f"https://{record['TrackingServerName'].lower()}.mlflow.invalid"


def _notebook(service: "Service", record: Record) -> None:
    if record["DirectInternetAccess"] == "Disabled" and "SubnetId" not in record:  # API reference
        raise AwsError("ValidationException", "DirectInternetAccess is Disabled: that needs a SubnetId.")
    if name := record.get("LifecycleConfigName"):  # AWS's words for one that is not there are not verified
        member = "NotebookInstanceLifecycleConfigName"
        record[member] = service.store.find("NotebookInstanceLifecycleConfig", **{member: name})[member]
    record["SecurityGroups"] = record.get("SecurityGroupIds")
    record["Url"] = f"{record['NotebookInstanceName'].lower()}.notebook.invalid"


_COMPLETE: dict[str, Callable[["Service", Record], None]] = {
    "Domain": studio.complete_domain,
    "UserProfile": studio.complete_profile,
    "Space": studio.complete_space,
    "App": studio.complete_app,
    "MlflowApp": _mlflow_app,
    "Model": _model,
    "ModelPackage": _package,
    "Pipeline": _pipeline,
    "PipelineExecution": _execution,
    "TrainingJob": _training_job,
    "HyperParameterTuningJob": _tuning_job,
    "TransformJob": _transform_job,
    "AutoMLJobV2": _automl_job,
    "Endpoint": _endpoint,
    "EndpointConfig": _config,
    "InferenceComponent": components.complete,
    "MonitoringSchedule": _monitoring_schedule,
    "MlflowTrackingServer": _tracking_server,
    "NotebookInstance": _notebook,
}
