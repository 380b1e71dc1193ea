"""The events that SageMaker sends to the default bus, in AWS's words.

AWS, "Events that Amazon SageMaker AI sends to Amazon EventBridge", from its examples. For models and endpoint
configurations that page shows no event; their members are those of EventBridge's schema registry, as the CDK's event
patterns (`mixins_preview.aws_sagemaker.events`) spell them. Not verified: the members of notebook instances, and the
way of writing times where the page has no example (milliseconds here). The registry writes `Tags` as a list, the
page's examples as a map; a map it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.pipeline_values import iso
from rehearsal.sagemaker.store import Record

Event = tuple[str, dict[str, Any], list[str]]  # detail type, detail, resources


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


@dataclass(frozen=True)
class StateChange:
    """What the event of a kind carries: members of the kind's Describe operation, and Tags where AWS sends them."""

    detail_type: str
    members: str
    time: Callable[[float], Any] = _milliseconds
    tags: bool = True


STATE_CHANGES = {
    "TrainingJob": StateChange(
        "SageMaker Training Job State Change",
        "TrainingJobName TrainingJobArn TrainingJobStatus SecondaryStatus FailureReason HyperParameters ModelArtifacts "
        "AlgorithmSpecification RoleArn InputDataConfig OutputDataConfig ResourceConfig VpcConfig StoppingCondition "
        "CreationTime TrainingStartTime TrainingEndTime LastModifiedTime SecondaryStatusTransitions",
        lambda seconds: str(_milliseconds(seconds)),
    ),
    "HyperParameterTuningJob": StateChange(
        "SageMaker HyperParameter Tuning Job State Change",
        "HyperParameterTuningJobName HyperParameterTuningJobArn TrainingJobDefinition HyperParameterTuningJobStatus "
        "CreationTime LastModifiedTime TrainingJobStatusCounters ObjectiveStatusCounters",
        lambda seconds: str(_milliseconds(seconds)),
    ),
    "ProcessingJob": StateChange(
        "SageMaker Processing Job State Change",
        "ProcessingInputs ProcessingOutputConfig ProcessingJobName ProcessingResources StoppingCondition "
        "AppSpecification Environment NetworkConfig RoleArn ExperimentConfig ProcessingJobArn ProcessingJobStatus "
        "ExitMessage FailureReason ProcessingEndTime ProcessingStartTime LastModifiedTime CreationTime",
    ),
    "TransformJob": StateChange(
        "SageMaker Transform Job State Change",
        "TransformJobName TransformJobArn TransformJobStatus FailureReason ModelName MaxConcurrentTransforms "
        "MaxPayloadInMB BatchStrategy Environment TransformInput TransformOutput TransformResources CreationTime "
        "TransformStartTime TransformEndTime",
        iso,
    ),
    "Endpoint": StateChange(
        "SageMaker Endpoint State Change",
        "EndpointName EndpointArn EndpointConfigName ProductionVariants EndpointStatus CreationTime LastModifiedTime",
    ),
    "EndpointConfig": StateChange(
        "SageMaker Endpoint Config State Change",
        "EndpointConfigName EndpointConfigArn ProductionVariants CreationTime",
    ),
    "Model": StateChange(
        "SageMaker Model State Change", "ModelName ModelArn PrimaryContainer ExecutionRoleArn CreationTime"
    ),
    "ModelPackage": StateChange(
        "SageMaker Model Package State Change",
        "ModelPackageGroupName ModelPackageVersion ModelPackageArn CreationTime InferenceSpecification "
        "ModelPackageStatus ModelPackageStatusDetails CertifyForMarketplace ModelApprovalStatus MetadataProperties "
        "ModelMetrics LastModifiedTime",
        iso,
        tags=False,
    ),
    "NotebookInstance": StateChange(
        "SageMaker Notebook Instance State Change",
        "NotebookInstanceName NotebookInstanceArn NotebookInstanceStatus FailureReason InstanceType SubnetId "
        "SecurityGroups RoleArn KmsKeyId NetworkInterfaceId NotebookInstanceLifecycleConfigName DirectInternetAccess "
        "VolumeSizeInGB LastModifiedTime CreationTime",
    ),
}


def state_change(noun: str, record: Record) -> Event:
    """The event about a record of a kind that `STATE_CHANGES` lists."""
    row = STATE_CHANGES[noun]
    described = shapes.operation(f"Describe{noun}").output_shape
    told = _told(described, record, row.time)
    detail = {name: told[name] for name in row.members.split() if name in told}
    if noun == "Endpoint":  # the event writes IN_SERVICE where the API writes InService
        letters = enumerate(record["EndpointStatus"])
        detail["EndpointStatus"] = "".join(f"_{c}" if c.isupper() and i else c for i, c in letters).upper()
    if row.tags:
        detail["Tags"] = {tag["Key"]: tag["Value"] for tag in record.get("Tags", [])}
    return row.detail_type, detail, [record[f"{noun}Arn"]]


def _told(shape: Shape | None, value: Any, time: Callable[[float], Any]) -> Any:
    """A record as the event writes it: the members that the shape has, with their times."""
    if isinstance(shape, StructureShape):
        return {n: _told(s, value[n], time) for n, s in shape.members.items() if value.get(n) is not None}
    if isinstance(shape, ListShape):
        return [_told(shape.member, item, time) for item in value]
    if isinstance(shape, MapShape):
        return {key: _told(shape.value, item, time) for key, item in value.items()}
    return time(value) if shape is not None and shape.type_name == "timestamp" else value


def execution_change(execution: Record, before: str, now: str) -> Event:
    """A pipeline execution's event; AWS writes its members with a small first letter, unlike those of other kinds."""
    detail = {
        "pipelineArn": execution["PipelineArn"],
        "pipelineExecutionArn": execution["PipelineExecutionArn"],
        "pipelineExecutionDisplayName": execution.get("PipelineExecutionDisplayName"),
        "pipelineExecutionDescription": execution.get("PipelineExecutionDescription"),
        "previousPipelineExecutionStatus": before,
        "currentPipelineExecutionStatus": now,
        "executionStartTime": iso(execution["StartTime"]),
        "executionEndTime": iso(execution["LastModifiedTime"]) if now not in ("Executing", "Stopping") else None,
    }
    return "SageMaker Model Building Pipeline Execution Status Change", _given(detail), _pipeline(execution)


def step_change(execution: Record, entry: Record, before: str) -> Event:
    """The event of one step of an execution; `entry` is the step's row in ListPipelineExecutionSteps."""
    detail = {
        "pipelineArn": execution["PipelineArn"],
        "pipelineExecutionArn": execution["PipelineExecutionArn"],
        "stepName": entry["StepName"],
        "stepType": entry["StepType"],
        "previousStepStatus": before,
        "currentStepStatus": entry["StepStatus"],
        "failureReason": entry.get("FailureReason"),
        "stepStartTime": iso(entry["StartTime"]),
        "stepEndTime": iso(entry["EndTime"]) if "EndTime" in entry else None,
        "metadata": _small(entry["Metadata"]),
        "cacheHitResult": _small(entry.get("CacheHitResult")),
    }
    return "SageMaker Model Building Pipeline Execution Step Status Change", _given(detail), _pipeline(execution)


def _pipeline(execution: Record) -> list[str]:
    return [execution["PipelineArn"], execution["PipelineExecutionArn"]]


def _given(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if value is not None}


def _small(value: Any) -> Any:
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: _small(item) for name, item in value.items()}
    return [_small(item) for item in value] if isinstance(value, list) else value
