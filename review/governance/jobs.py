"""Where each kind of job keeps what rules ask for: pipelines' steps and monitors' definitions alike."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from review.governance.rule import View
from review.governance.values import ABSENT


@dataclass(frozen=True)
class Job:
    """Paths within a job's arguments. `use` is the allow-list of instances; empty paths: the job has no such thing."""

    view: View
    use: str
    instance: tuple[str, ...]
    count: tuple[str, ...]
    volume_key: str
    output_key: str
    isolation: str = ""
    vpc: str = ""
    encryption: str = ""
    runtime: str = ""
    image: str = ""
    environment: str = ""


def of_pipeline(view: View) -> Iterator[Job]:
    """Every job that a pipeline's definition starts; a tuning step's trainings are trainings."""
    for step in view.steps:
        match step.kind:
            case "Training":
                yield training(step.view)
            case "Tuning":
                for path in ("TrainingJobDefinition", "TrainingJobDefinitions.*"):
                    yield from (training(part) for part in step.view.part(path))
            case "Processing":
                yield processing(step.view)
            case "Transform":
                yield _transform(step.view)
            case "AutoML":
                yield _automl(step.view)


def training(view: View) -> Job:
    resources = "ResourceConfig"
    if all(case.value is ABSENT for case in view.at(resources)):
        resources = "HyperParameterTuningResourceConfig"
    groups = "InstanceGroups.*" if resources == "ResourceConfig" else "InstanceConfigs.*"
    return Job(
        view,
        "training",
        (f"{resources}.InstanceType", f"{resources}.{groups}.InstanceType"),
        (f"{resources}.InstanceCount", f"{resources}.{groups}.InstanceCount"),
        f"{resources}.VolumeKmsKeyId",
        "OutputDataConfig.KmsKeyId",
        "EnableNetworkIsolation",
        "VpcConfig",
        "EnableInterContainerTrafficEncryption",
        "StoppingCondition.MaxRuntimeInSeconds",
        "AlgorithmSpecification.TrainingImage",
        "Environment",
    )


def processing(view: View) -> Job:
    cluster = "ProcessingResources.ClusterConfig"
    return Job(
        view,
        "processing",
        (f"{cluster}.InstanceType",),
        (f"{cluster}.InstanceCount",),
        f"{cluster}.VolumeKmsKeyId",
        "ProcessingOutputConfig.KmsKeyId",
        "NetworkConfig.EnableNetworkIsolation",
        "NetworkConfig.VpcConfig",
        "NetworkConfig.EnableInterContainerTrafficEncryption",
        "StoppingCondition.MaxRuntimeInSeconds",
        "AppSpecification.ImageUri",
        "Environment",
    )


def _transform(view: View) -> Job:
    """Its model decides over network and isolation."""
    resources = "TransformResources"
    return Job(
        view,
        "processing",
        (f"{resources}.InstanceType",),
        (f"{resources}.InstanceCount",),
        f"{resources}.VolumeKmsKeyId",
        "TransformOutput.KmsKeyId",
        environment="Environment",
    )


def _automl(view: View) -> Job:
    """SageMaker chooses its instances."""
    config = "AutoMLJobConfig" if "AutoMLJobConfig" in view.known else ""
    security = f"{config}.SecurityConfig".lstrip(".")
    completion = (
        f"{config}.CompletionCriteria" if config else "AutoMLProblemTypeConfig.TabularJobConfig.CompletionCriteria"
    )
    return Job(
        view,
        "training",
        (),
        (),
        f"{security}.VolumeKmsKeyId",
        "OutputDataConfig.KmsKeyId",
        vpc=f"{security}.VpcConfig",
        encryption=f"{security}.EnableInterContainerTrafficEncryption",
        runtime=f"{completion}.MaxAutoMLJobRuntimeInSeconds",
    )


MONITORS = {
    "AWS::SageMaker::DataQualityJobDefinition": "DataQuality",
    "AWS::SageMaker::ModelQualityJobDefinition": "ModelQuality",
    "AWS::SageMaker::ModelBiasJobDefinition": "ModelBias",
    "AWS::SageMaker::ModelExplainabilityJobDefinition": "ModelExplainability",
}
SCHEDULE = "AWS::SageMaker::MonitoringSchedule"


def of_monitor(view: View) -> Iterator[Job]:
    """A definition's job; of a schedule, the job that it defines itself, if it does."""
    if kind := MONITORS.get(view.resource.type):
        yield _monitor(view, f"{kind}JobOutputConfig.KmsKeyId", f"{kind}AppSpecification.ImageUri", "JobResources")
        return
    for part in view.part("MonitoringScheduleConfig.MonitoringJobDefinition"):
        yield _monitor(
            part, "MonitoringOutputConfig.KmsKeyId", "MonitoringAppSpecification.ImageUri", "MonitoringResources"
        )


def _monitor(view: View, output_key: str, image: str, resources: str) -> Job:
    cluster = f"{resources}.ClusterConfig"
    job = replace(processing(view), output_key=output_key, image=image)
    return replace(
        job,
        instance=(f"{cluster}.InstanceType",),
        count=(f"{cluster}.InstanceCount",),
        volume_key=f"{cluster}.VolumeKmsKeyId",
    )


def of(view: View) -> Iterator[Job]:
    return of_pipeline(view) if view.resource.type == "AWS::SageMaker::Pipeline" else of_monitor(view)
