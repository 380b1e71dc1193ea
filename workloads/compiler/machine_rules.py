"""What Sluice asks of the requests that only a state machine makes; the rest is in rules.py."""

from collections.abc import Iterator
from typing import Any

from config.workload import Autopilot, ServeSettings
from workloads.compiler.rules import Breach, get, keys, most, network, role, shown, traffic

Arguments = dict[str, Any]


def automl(arguments: Arguments, budget: Autopilot) -> Iterator[Breach]:
    """The breaches of a CreateAutoMLJobV2 request. It has no field for instances, spot and network isolation."""
    criteria = "AutoMLProblemTypeConfig.TabularJobConfig.CompletionCriteria"
    for name, highest in (
        ("MaxCandidates", budget.candidates),
        ("MaxAutoMLJobRuntimeInSeconds", budget.search_seconds),
        ("MaxRuntimePerTrainingJobInSeconds", budget.candidate_seconds),
    ):
        yield from most(arguments, f"{criteria}.{name}", "limit", highest)
    yield from keys(arguments, "SecurityConfig.VolumeKmsKeyId", "OutputDataConfig.KmsKeyId")
    yield from traffic(arguments, "SecurityConfig.EnableInterContainerTrafficEncryption")
    yield from network(arguments, "SecurityConfig.")
    yield from role(arguments)


def transform(arguments: Arguments, settings: ServeSettings) -> Iterator[Breach]:
    """The breaches of a CreateTransformJob request; its containers run as the model says."""
    field = "TransformResources.InstanceCount"
    if (value := get(arguments, field)) != 1:
        yield Breach(field, "instances", shown(value), "1")
    field = "TransformResources.InstanceType"
    if (value := get(arguments, field)) != settings.instance_type:
        yield Breach(field, "instances", shown(value), f"{settings.instance_type}, as `serve` of workload.yaml says")
    yield from keys(arguments, "TransformResources.VolumeKmsKeyId", "TransformOutput.KmsKeyId")


def model(arguments: Arguments) -> Iterator[Breach]:
    """The breaches of a CreateModel request."""
    if (value := get(arguments, "EnableNetworkIsolation")) is not True:
        yield Breach("EnableNetworkIsolation", "isolation", shown(value), "true")
    yield from network(arguments, "")
    yield from role(arguments, "ExecutionRoleArn")
