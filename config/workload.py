"""The shape of `workloads/<name>/workload.yaml`."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from config.instances import Hosting, Processing, Training
from config.section import Finding, Positive, Section, Text

WorkloadName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=20)]


class Algorithm(Section):
    name: Literal["kmeans"]
    k: Positive
    feature_dim: Positive


class ProcessSettings(Section):
    instance_type: Processing
    volume_gb: Positive
    max_run_seconds: Annotated[int, Field(ge=1, le=777_600)]


class TrainSettings(Section):
    instance_type: Training
    instance_count: Positive
    volume_gb: Positive
    max_run_seconds: Annotated[int, Field(ge=1, le=2_419_200)]
    max_wait_seconds: Positive
    spot: bool = True

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        run, wait = raw.get("max_run_seconds"), raw.get("max_wait_seconds")
        if isinstance(run, int) and isinstance(wait, int) and wait < run:
            yield (
                ("max_wait_seconds",),
                wait,
                f"must be at least max_run_seconds ({run}): it covers waiting and running",
            )


class ServeSettings(Section):
    instance_type: Hosting
    instance_count: Positive


class RuleException(Section):
    """A rule of the pipeline compiler that one step of this workload does not keep, and why."""

    rule: Literal["spot", "checkpoint", "encryption", "isolation"]
    step: Text
    reason: Text


class Workload(Section):
    description: Text
    algorithm: Algorithm
    process: ProcessSettings
    train: TrainSettings
    serve: ServeSettings
    exceptions: tuple[RuleException, ...] = Field(default=(), strict=False)
