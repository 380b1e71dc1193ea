"""What Sluice asks of every training and processing job, because IAM has no key for it or for the sum of it.

A value that the service works out at run time counts as not given: nobody can vouch for it.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

# Built-in algorithms, by image repository, that write no checkpoints: SageMaker lets them wait for an hour at most.
WITHOUT_CHECKPOINTS = ("kmeans",)
MAX_WAIT_WITHOUT_CHECKPOINT_SECONDS = 3600


class Breach(NamedTuple):
    """A rule that a job's arguments break."""

    field: str
    rule: str
    value: str
    allowed: str


def training(arguments: dict[str, Any], repository: str, instance_count: int) -> Iterator[Breach]:
    """The breaches of a CreateTrainingJob request whose image lies in `repository`; `instance_count` is the most."""
    yield from _limit(arguments)
    yield from _instances(arguments, "ResourceConfig.InstanceCount", instance_count)
    yield from _spot(arguments)
    yield from _checkpoint(arguments, repository)
    yield from _keys(arguments, "ResourceConfig.VolumeKmsKeyId", "OutputDataConfig.KmsKeyId")
    yield from _traffic(arguments, "EnableInterContainerTrafficEncryption")
    yield from _isolation(arguments, "")


def processing(arguments: dict[str, Any]) -> Iterator[Breach]:
    """The breaches of a CreateProcessingJob request."""
    cluster = "ProcessingResources.ClusterConfig"
    yield from _limit(arguments)
    yield from _instances(arguments, f"{cluster}.InstanceCount", 1)
    yield from _keys(arguments, f"{cluster}.VolumeKmsKeyId", "ProcessingOutputConfig.KmsKeyId")
    yield from _traffic(arguments, "NetworkConfig.EnableInterContainerTrafficEncryption")
    yield from _isolation(arguments, "NetworkConfig.")


def _limit(arguments: dict[str, Any]) -> Iterator[Breach]:
    field = "StoppingCondition.MaxRuntimeInSeconds"
    if not _is_count(value := _get(arguments, field)):
        yield Breach(field, "limit", _shown(value), "a number of seconds; without it a job may run for days")


def _instances(arguments: dict[str, Any], field: str, most: int) -> Iterator[Breach]:
    if not _is_count(value := _get(arguments, field)) or value > most:
        yield Breach(field, "instances", _shown(value), f"at most {most}, as workload.yaml says")


def _spot(arguments: dict[str, Any]) -> Iterator[Breach]:
    field = "EnableManagedSpotTraining"
    if (value := _get(arguments, field)) is not True:
        yield Breach(field, "spot", _shown(value), "true")
        return
    field = "StoppingCondition.MaxWaitTimeInSeconds"
    wait, run = _get(arguments, field), _get(arguments, "StoppingCondition.MaxRuntimeInSeconds")
    if not _is_count(wait) or (_is_count(run) and wait < run):
        yield Breach(field, "spot", _shown(wait), f"at least MaxRuntimeInSeconds ({_shown(run)}), which it includes")


def _checkpoint(arguments: dict[str, Any], repository: str) -> Iterator[Breach]:
    if isinstance(_get(arguments, "CheckpointConfig.S3Uri"), str | dict):
        return  # where the checkpoints go may depend on the execution
    if repository not in WITHOUT_CHECKPOINTS:
        yield Breach("CheckpointConfig.S3Uri", "checkpoint", "missing", "a place that an interrupted job resumes from")
        return
    field = "StoppingCondition.MaxWaitTimeInSeconds"
    wait = _get(arguments, field)
    if _is_count(wait) and wait > MAX_WAIT_WITHOUT_CHECKPOINT_SECONDS:
        allowed = f"at most {MAX_WAIT_WITHOUT_CHECKPOINT_SECONDS}, because {repository} writes no checkpoints"
        yield Breach(field, "checkpoint", _shown(wait), allowed)


def _keys(arguments: dict[str, Any], *fields: str) -> Iterator[Breach]:
    for field in fields:
        value = _get(arguments, field)
        if not isinstance(value, str) or not value:
            yield Breach(field, "encryption", _shown(value), "a customer key, ${KeyArn}")


def _traffic(arguments: dict[str, Any], field: str) -> Iterator[Breach]:
    # For one instance too: the permissions boundary asks every job for it, because IAM has no key for their number.
    if (value := _get(arguments, field)) is not True:
        yield Breach(field, "encryption", _shown(value), "true")


def _isolation(arguments: dict[str, Any], prefix: str) -> Iterator[Breach]:
    field = f"{prefix}EnableNetworkIsolation"
    if (value := _get(arguments, field)) is not True:
        yield Breach(field, "isolation", _shown(value), "true")
    for field in (f"{prefix}VpcConfig.Subnets", f"{prefix}VpcConfig.SecurityGroupIds"):
        value = _get(arguments, field)
        if not isinstance(value, list) or not value:
            yield Breach(field, "isolation", _shown(value), "a list that is not empty")


def _get(arguments: Any, path: str) -> Any:
    for name in path.split("."):
        arguments = arguments.get(name) if isinstance(arguments, dict) else None
    return arguments


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)
