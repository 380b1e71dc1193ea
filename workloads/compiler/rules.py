"""What Sluice asks of every training, tuning and processing job, because IAM has no key for it or for the sum of it.

A value that the service works out at run time counts as not given: nobody can vouch for it.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from config.workload import ProcessSettings, TrainSettings

# Built-in algorithms, by image repository, that write no checkpoints: SageMaker lets them wait for an hour at most.
# All but those that do: AWS, "Checkpoints in Amazon SageMaker AI", names image classification, object detection,
# semantic segmentation and XGBoost (0.90-1 or later; the repository `xgboost` is older).
WITHOUT_CHECKPOINTS = (
    *("blazingtext", "factorization-machines", "forecasting-deepar", "ipinsights", "kmeans", "knn", "lda"),
    *("linear-learner", "ntm", "object2vec", "pca", "randomcutforest", "seq2seq", "xgboost"),
)
MAX_WAIT_WITHOUT_CHECKPOINT_SECONDS = 3600
WHOLE_NETWORK = {"Subnets": ["${SubnetIds}"], "SecurityGroupIds": ["${SecurityGroupIds}"]}


class Breach(NamedTuple):
    """A rule that a job's arguments break."""

    field: str
    rule: str
    value: str
    allowed: str


def training(arguments: dict[str, Any], repository: str, settings: TrainSettings | None) -> Iterator[Breach]:
    """The breaches of a training job, whose image lies in `repository`; `settings` is what workload.yaml says of it."""
    if settings is None:
        yield Breach("ResourceConfig", "instances", "a training job", "none: workload.yaml has no `train`")
        return
    yield from _limit(arguments, settings.max_run_seconds)
    yield from _instances(arguments, "ResourceConfig", settings)
    yield from _spot(arguments)
    yield from _checkpoint(arguments, repository)
    yield from keys(arguments, "ResourceConfig.VolumeKmsKeyId", "OutputDataConfig.KmsKeyId")
    yield from traffic(arguments, "EnableInterContainerTrafficEncryption")
    yield from _isolation(arguments, "")


def processing(arguments: dict[str, Any], settings: ProcessSettings) -> Iterator[Breach]:
    """The breaches of a CreateProcessingJob request."""
    cluster = "ProcessingResources.ClusterConfig"
    yield from _limit(arguments, settings.max_run_seconds)
    yield from _instances(arguments, cluster, settings)
    yield from keys(arguments, f"{cluster}.VolumeKmsKeyId", "ProcessingOutputConfig.KmsKeyId")
    yield from traffic(arguments, "NetworkConfig.EnableInterContainerTrafficEncryption")
    yield from _isolation(arguments, "NetworkConfig.")


def role(arguments: dict[str, Any], field: str = "RoleArn") -> Iterator[Breach]:
    """A breach where anything but the workload's own role is handed on."""
    if (value := get(arguments, field)) != "${ExecutionRoleArn}":
        yield Breach(field, "isolation", shown(value), "${ExecutionRoleArn}, the workload's own role")


def most(arguments: dict[str, Any], field: str, rule: str, highest: int, why: str = "") -> Iterator[Breach]:
    """A breach where the value at `field` is no number, or a higher one."""
    if not is_count(value := get(arguments, field)) or value > highest:
        yield Breach(field, rule, shown(value), f"at most {highest}, as workload.yaml says{why}")


def _limit(arguments: dict[str, Any], seconds: int) -> Iterator[Breach]:
    why = "; without it a job may run for days"
    yield from most(arguments, "StoppingCondition.MaxRuntimeInSeconds", "limit", seconds, why)


def _instances(arguments: dict[str, Any], cluster: str, settings: TrainSettings | ProcessSettings) -> Iterator[Breach]:
    yield from most(arguments, f"{cluster}.InstanceCount", "instances", settings.instance_count)
    if (value := get(arguments, f"{cluster}.InstanceType")) != settings.instance_type:
        allowed = f"{settings.instance_type}, as workload.yaml says"
        yield Breach(f"{cluster}.InstanceType", "instances", shown(value), allowed)


def _spot(arguments: dict[str, Any]) -> Iterator[Breach]:
    field = "EnableManagedSpotTraining"
    if (value := get(arguments, field)) is not True:
        yield Breach(field, "spot", shown(value), "true")
        return
    field = "StoppingCondition.MaxWaitTimeInSeconds"
    wait, run = get(arguments, field), get(arguments, "StoppingCondition.MaxRuntimeInSeconds")
    if not is_count(wait) or (is_count(run) and wait < run):
        yield Breach(field, "spot", shown(wait), f"at least MaxRuntimeInSeconds ({shown(run)}), which it includes")


def _checkpoint(arguments: dict[str, Any], repository: str) -> Iterator[Breach]:
    if repository not in WITHOUT_CHECKPOINTS:
        # Where the checkpoints go may depend on the execution.
        if not isinstance(get(arguments, "CheckpointConfig.S3Uri"), str | dict):
            allowed = "a place that an interrupted job resumes from"
            yield Breach("CheckpointConfig.S3Uri", "checkpoint", "missing", allowed)
        return
    field = "StoppingCondition.MaxWaitTimeInSeconds"
    wait = get(arguments, field)
    if is_count(wait) and wait > MAX_WAIT_WITHOUT_CHECKPOINT_SECONDS:
        allowed = f"at most {MAX_WAIT_WITHOUT_CHECKPOINT_SECONDS}, because {repository} writes no checkpoints"
        yield Breach(field, "checkpoint", shown(wait), allowed)


def keys(arguments: dict[str, Any], *fields: str) -> Iterator[Breach]:
    """A breach for each of the fields that is not the platform's key."""
    for field in fields:
        if (value := get(arguments, field)) != "${KeyArn}":
            yield Breach(field, "encryption", shown(value), "${KeyArn}, the platform's own key")


def traffic(arguments: dict[str, Any], field: str) -> Iterator[Breach]:
    """A breach where what instances send each other is not encrypted."""
    # For one instance too: the permissions boundary asks every job for it, because IAM has no key for their number.
    if (value := get(arguments, field)) is not True:
        yield Breach(field, "encryption", shown(value), "true")


def _isolation(arguments: dict[str, Any], prefix: str) -> Iterator[Breach]:
    field = f"{prefix}EnableNetworkIsolation"
    if (value := get(arguments, field)) is not True:
        yield Breach(field, "isolation", shown(value), "true")
    yield from network(arguments, prefix)


def network(arguments: dict[str, Any], prefix: str) -> Iterator[Breach]:
    """A breach where a job is not in all of the platform's subnets and security groups."""
    for name, allowed in WHOLE_NETWORK.items():
        field = f"{prefix}VpcConfig.{name}"
        if (value := get(arguments, field)) != allowed:
            yield Breach(field, "isolation", shown(value), f"{allowed}, and nothing else")


def get(arguments: Any, path: str) -> Any:
    for name in path.split("."):
        arguments = arguments.get(name) if isinstance(arguments, dict) else None
    return arguments


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def shown(value: Any) -> str:
    return "missing" if value is None else repr(value)
