"""What Sluice asks of the requests that only a state machine makes; the rest is in rules.py."""

from collections.abc import Iterator
from typing import Any

from config.workload import Autopilot
from workloads.compiler.rules import Breach

Arguments = dict[str, Any]


def automl(arguments: Arguments, budget: Autopilot) -> Iterator[Breach]:
    """The breaches of a CreateAutoMLJobV2 request. It has no field for instances, spot and network isolation."""
    criteria = "AutoMLProblemTypeConfig.TabularJobConfig.CompletionCriteria"
    for name, most in (
        ("MaxCandidates", budget.candidates),
        ("MaxAutoMLJobRuntimeInSeconds", budget.search_seconds),
        ("MaxRuntimePerTrainingJobInSeconds", budget.candidate_seconds),
    ):
        value = _get(arguments, f"{criteria}.{name}")
        if not isinstance(value, int) or isinstance(value, bool) or value > most:
            yield Breach(f"{criteria}.{name}", "limit", _shown(value), f"at most {most}, as workload.yaml says")
    yield from _keys(arguments, "SecurityConfig.VolumeKmsKeyId", "OutputDataConfig.KmsKeyId")
    field = "SecurityConfig.EnableInterContainerTrafficEncryption"
    if (value := _get(arguments, field)) is not True:
        yield Breach(field, "encryption", _shown(value), "true")
    yield from _network(arguments, "SecurityConfig.VpcConfig")


def transform(arguments: Arguments) -> Iterator[Breach]:
    """The breaches of a CreateTransformJob request; its containers run as the model says."""
    field = "TransformResources.InstanceCount"
    if (value := _get(arguments, field)) != 1:
        yield Breach(field, "instances", _shown(value), "1")
    yield from _keys(arguments, "TransformResources.VolumeKmsKeyId", "TransformOutput.KmsKeyId")


def model(arguments: Arguments) -> Iterator[Breach]:
    """The breaches of a CreateModel request."""
    if (value := _get(arguments, "EnableNetworkIsolation")) is not True:
        yield Breach("EnableNetworkIsolation", "isolation", _shown(value), "true")
    yield from _network(arguments, "VpcConfig")


def _network(arguments: Arguments, config: str) -> Iterator[Breach]:
    for field in (f"{config}.Subnets", f"{config}.SecurityGroupIds"):
        value = _get(arguments, field)
        if not isinstance(value, list) or not value:
            yield Breach(field, "isolation", _shown(value), "a list that is not empty")


def _keys(arguments: Arguments, *fields: str) -> Iterator[Breach]:
    for field in fields:
        if not isinstance(value := _get(arguments, field), str) or not value:
            yield Breach(field, "encryption", _shown(value), "a customer key, ${KeyArn}")


def _get(arguments: Any, path: str) -> Any:
    for name in path.split("."):
        arguments = arguments.get(name) if isinstance(arguments, dict) else None
    return arguments


def _shown(value: Any) -> str:
    return "missing" if value is None else repr(value)
