"""The jobs that SageMaker is asked for: their instances and how long they may run, from requests and definitions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_LONGEST_SECONDS = 86_400.0  # AWS's own limit, where a request has none
_UNLIMITED = "no limit is given, a day is AWS's"
# CreateAutoMLJob takes no instance types: SageMaker chooses, and tells afterwards.
AUTOPILOT_TYPE = "ml.m5.4xlarge"


@dataclass(frozen=True)
class Job:
    """`times` jobs of `count` instances for `seconds` each, of which the whole is `most_seconds` at the most."""

    component: str
    instances: tuple[tuple[Any, float | None], ...]
    seconds: float | None
    times: float | None = 1.0
    most_seconds: float | None = None
    volume_gb: float = 0.0
    keep_seconds: float = 0.0
    spot: bool = False
    note: str = ""
    alternatives: tuple["Job", ...] = ()
    """Of these and itself the dearest counts."""


@dataclass(frozen=True)
class Read:
    """Leaves of a definition; of a pipeline's parameters, what they are without being given."""

    parameters: Mapping[str, Any] = field(default_factory=dict)

    def at(self, value: Any, *path: str) -> Any:
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, Mapping) and (got := re.fullmatch(r"Parameters\.(\w+)", str(value.get("Get", "")))):
            return self.parameters.get(got[1])
        return value

    def number(self, value: Any, *path: str) -> float | None:
        found = self.at(value, *path)
        if isinstance(found, str) and re.fullmatch(r"\d{1,12}(\.\d+)?", found):
            return float(found)
        usable = isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < 1e12
        return float(found) if usable else None

    def seconds(self, job: Any) -> float | None:
        """The longest that a job may run; spot's waiting is not billed."""
        return self.number(job, "StoppingCondition", "MaxRuntimeInSeconds") if self.limited(job) else _LONGEST_SECONDS

    def limited(self, job: Any) -> bool:
        return self.at(job, "StoppingCondition", "MaxRuntimeInSeconds") is not None


def _training(read: Read, asked: Any) -> Job:
    resources = read.at(asked, "ResourceConfig")
    groups = read.at(resources, "InstanceGroups")
    members = groups if isinstance(groups, list) and groups else [resources]
    return Job(
        "Training",
        tuple((read.at(each, "InstanceType"), read.number(each, "InstanceCount")) for each in members),
        read.seconds(asked),
        volume_gb=read.number(resources, "VolumeSizeInGB") or 0.0,
        keep_seconds=read.number(resources, "KeepAlivePeriodInSeconds") or 0.0,
        spot=read.at(asked, "EnableManagedSpotTraining") is True,
        note="" if read.limited(asked) else _UNLIMITED,
    )


def _processing(read: Read, asked: Any) -> Job:
    cluster = read.at(asked, "ProcessingResources", "ClusterConfig")
    instances = ((read.at(cluster, "InstanceType"), read.number(cluster, "InstanceCount")),)
    volume = read.number(cluster, "VolumeSizeInGB") or 0.0
    note = "" if read.limited(asked) else _UNLIMITED
    return Job("Processing", instances, read.seconds(asked), volume_gb=volume, note=note)


def _transform(read: Read, asked: Any) -> Job:
    resources = read.at(asked, "TransformResources")
    instances = ((read.at(resources, "InstanceType"), read.number(resources, "InstanceCount")),)
    return Job("Transform", instances, _LONGEST_SECONDS, note=_UNLIMITED)


def _tuning(read: Read, asked: Any) -> Job:
    limits = read.at(asked, "HyperParameterTuningJobConfig", "ResourceLimits")
    told = read.at(asked, "TrainingJobDefinitions")
    definitions = told if isinstance(told, list) and told else [read.at(asked, "TrainingJobDefinition")]
    # Several share the number of jobs in a way that nobody knows before.
    first, *others = [_searched(read, limits, each) for each in definitions]
    return replace(first, alternatives=tuple(others))


def _searched(read: Read, limits: Any, definition: Any) -> Job:
    own = definition if isinstance(definition, Mapping) else {}
    resources = own.get("HyperParameterTuningResourceConfig")
    configs = read.at(resources, "InstanceConfigs")
    chosen = configs[0] if isinstance(configs, list) and configs else resources
    job = _training(read, {**own, "ResourceConfig": chosen} if isinstance(chosen, Mapping) else own)
    whole, parallel = read.number(limits, "MaxRuntimeInSeconds"), read.number(limits, "MaxParallelTrainingJobs")
    times = read.number(limits, "MaxNumberOfTrainingJobs")
    return replace(job, times=times, most_seconds=whole * parallel if whole and parallel else None, keep_seconds=0.0)


def _autopilot(read: Read, asked: Any) -> Job:
    """Both versions of the call; each problem type has limits of its own."""
    problem = read.at(asked, "AutoMLProblemTypeConfig")
    configs = [*problem.values()] if isinstance(problem, Mapping) else [read.at(asked, "AutoMLJobConfig")]
    limits = read.at(configs[0], "CompletionCriteria") if configs else None
    whole = read.number(limits, "MaxAutoMLJobRuntimeInSeconds")
    each, candidates = read.number(limits, "MaxRuntimePerTrainingJobInSeconds"), read.number(limits, "MaxCandidates")
    note = f"Autopilot chooses its instances, {AUTOPILOT_TYPE} is assumed"
    if each is None or candidates is None:
        each, candidates = whole, 1.0
    return Job("Training", ((AUTOPILOT_TYPE, 1.0),), each, candidates, note=note)


STEPS = {
    "Training": _training,
    "Processing": _processing,
    "QualityCheck": _processing,
    "ClarifyCheck": _processing,
    "Transform": _transform,
    "Tuning": _tuning,
    "AutoML": _autopilot,
}
FREE_STEPS = {"Model", "RegisterModel", "Lambda", "Callback", "Fail", "CreateModel"}
ACTIONS = {
    "createTrainingJob": _training,
    "createProcessingJob": _processing,
    "createTransformJob": _transform,
    "createHyperParameterTuningJob": _tuning,
    "createAutoMLJob": _autopilot,
    "createAutoMLJobV2": _autopilot,
}
