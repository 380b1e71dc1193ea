"""What one run of a pipeline or a state machine costs, by the jobs in its definition."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from controls.prices import Rate
from review.cost_prices import HOURS, ML_STORAGE, SPOT_SAVING
from review.cost_side import dated

# Of its longest run time, that a job is taken to need; AWS's own limit where a definition has none.
USED_SHARE = 0.5
_LONGEST_SECONDS = 86_400
# CreateAutoMLJob takes no instance types: SageMaker chooses, and tells afterwards.
AUTOPILOT_TYPE = "ml.m5.4xlarge"
Rates = Callable[[str, str], Rate]


@dataclass(frozen=True)
class Run:
    """USD of one run; `steps` says what each job was taken for, `unpriced` what has no figure and why."""

    usd: float = 0.0
    steps: tuple[str, ...] = ()
    estimated: bool = False
    unpriced: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()

    def __add__(self, other: "Run") -> "Run":
        return Run(
            self.usd + other.usd,
            self.steps + other.steps,
            self.estimated or other.estimated,
            self.unpriced + other.unpriced,
            self.dates + other.dates,
        )


@dataclass(frozen=True)
class _Job:
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


@dataclass(frozen=True)
class _Read:
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
        stop = self.at(job, "StoppingCondition")
        if not isinstance(stop, Mapping) or "MaxRuntimeInSeconds" not in stop:
            return float(_LONGEST_SECONDS)
        return self.number(stop, "MaxRuntimeInSeconds")


def of_pipeline(definition: Mapping[str, Any], handed: Mapping[str, Any], rates: Rates) -> Run:
    """One run of a SageMaker pipeline. `handed`: parameters as they are given, by name."""
    told = definition.get("Parameters")
    parameters = {
        str(each.get("Name")): each.get("DefaultValue")
        for each in (told if isinstance(told, list) else ())
        if isinstance(each, Mapping)
    }
    return _steps(definition.get("Steps"), _Read({**parameters, **handed}), rates)


def of_machine(definition: Mapping[str, Any], rates: Rates) -> Run:
    """One run of a Step Functions state machine: each state once, whichever way is taken."""
    run, read = Run(), _Read()
    for name, state in _states(definition, 0):
        action = str(state.get("Resource", "")).removesuffix(".sync").rpartition(":")[2]
        if "sagemaker" in str(state.get("Resource", "")) and action in _ACTIONS:
            asked = state.get("Arguments", state.get("Parameters"))
            run += _priced(name, _ACTIONS[action](read, asked), rates)
    return run


def of_cluster(name: str, cluster: Any, stop: Any, rates: Rates) -> Run:
    """A processing job of one instance type, as monitors start it."""
    asked = {"ProcessingResources": {"ClusterConfig": cluster}, "StoppingCondition": stop}
    return _priced(name, _processing(_Read(), asked), rates)


def _steps(steps: Any, read: _Read, rates: Rates) -> Run:
    run = Run()
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, Mapping):
            continue
        kind, name, asked = str(step.get("Type")), str(step.get("Name")), step.get("Arguments")
        if kind == "Condition":
            ways = [_steps(read.at(asked, branch), read, rates) for branch in ("IfSteps", "ElseSteps")]
            run += max(ways, key=lambda way: way.usd)
        elif kind in _STEPS:
            run += _priced(name, _STEPS[kind](read, asked), rates)
        elif kind not in _FREE_STEPS:
            run += Run(unpriced=(f"{name}: a step of the kind {kind} has no price here",))
    return run


def _states(machine: Any, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    states = machine.get("States") if isinstance(machine, Mapping) else None
    for name, state in states.items() if isinstance(states, Mapping) and depth < 20 else ():
        if isinstance(state, Mapping):
            yield str(name), state
            branches = state.get("Branches")
            inner = [
                state.get("ItemProcessor"),
                state.get("Iterator"),
                *(branches if isinstance(branches, list) else ()),
            ]
            for each in inner:
                yield from _states(each, depth + 1)


def _training(read: _Read, asked: Any) -> _Job:
    resources = read.at(asked, "ResourceConfig")
    groups = read.at(resources, "InstanceGroups")
    members = groups if isinstance(groups, list) and groups else [resources]
    return _Job(
        "Training",
        tuple((read.at(each, "InstanceType"), read.number(each, "InstanceCount")) for each in members),
        read.seconds(asked),
        volume_gb=read.number(resources, "VolumeSizeInGB") or 0.0,
        keep_seconds=read.number(resources, "KeepAlivePeriodInSeconds") or 0.0,
        spot=read.at(asked, "EnableManagedSpotTraining") is True,
    )


def _processing(read: _Read, asked: Any) -> _Job:
    cluster = read.at(asked, "ProcessingResources", "ClusterConfig")
    instances = ((read.at(cluster, "InstanceType"), read.number(cluster, "InstanceCount")),)
    volume = read.number(cluster, "VolumeSizeInGB") or 0.0
    return _Job("Processing", instances, read.seconds(asked), volume_gb=volume)


def _transform(read: _Read, asked: Any) -> _Job:
    resources = read.at(asked, "TransformResources")
    instances = ((read.at(resources, "InstanceType"), read.number(resources, "InstanceCount")),)
    return _Job("Transform", instances, float(_LONGEST_SECONDS), note="as long as a job may take")


def _tuning(read: _Read, asked: Any) -> _Job:
    limits = read.at(asked, "HyperParameterTuningJobConfig", "ResourceLimits")
    told = read.at(asked, "TrainingJobDefinitions")
    definitions = told if isinstance(told, list) and told else [read.at(asked, "TrainingJobDefinition")]
    # Of several definitions the first is taken for all: they share the number of jobs in a way that nobody knows.
    own = definitions[0] if isinstance(definitions[0], Mapping) else {}
    resources = own.get("HyperParameterTuningResourceConfig")
    configs = read.at(resources, "InstanceConfigs")
    chosen = configs[0] if isinstance(configs, list) and configs else resources
    job = _training(read, {**own, "ResourceConfig": chosen} if isinstance(chosen, Mapping) else own)
    whole, parallel = read.number(limits, "MaxRuntimeInSeconds"), read.number(limits, "MaxParallelTrainingJobs")
    return _Job(
        job.component,
        job.instances,
        job.seconds,
        times=read.number(limits, "MaxNumberOfTrainingJobs"),
        most_seconds=whole * parallel if whole and parallel else None,
        volume_gb=job.volume_gb,
        spot=job.spot,
    )


def _autopilot(read: _Read, asked: Any) -> _Job:
    """Both versions of the call; each problem type has limits of its own."""
    problem = read.at(asked, "AutoMLProblemTypeConfig")
    configs = [*problem.values()] if isinstance(problem, Mapping) else [read.at(asked, "AutoMLJobConfig")]
    limits = read.at(configs[0], "CompletionCriteria") if configs else None
    whole = read.number(limits, "MaxAutoMLJobRuntimeInSeconds")
    each, candidates = read.number(limits, "MaxRuntimePerTrainingJobInSeconds"), read.number(limits, "MaxCandidates")
    note = f"Autopilot chooses its instances, {AUTOPILOT_TYPE} is assumed"
    if each is None or candidates is None:
        each, candidates = whole, 1.0
    return _Job("Training", ((AUTOPILOT_TYPE, 1.0),), each, candidates, note=note)


_STEPS = {
    "Training": _training,
    "Processing": _processing,
    "QualityCheck": _processing,
    "ClarifyCheck": _processing,
    "Transform": _transform,
    "Tuning": _tuning,
    "AutoML": _autopilot,
}
_FREE_STEPS = {"Model", "RegisterModel", "Lambda", "Callback", "Fail", "CreateModel"}
_ACTIONS = {
    "createTrainingJob": _training,
    "createProcessingJob": _processing,
    "createTransformJob": _transform,
    "createHyperParameterTuningJob": _tuning,
    "createAutoMLJob": _autopilot,
    "createAutoMLJobV2": _autopilot,
}


def _priced(name: str, job: _Job, rates: Rates) -> Run:
    if job.seconds is None or job.times is None:
        return Run(unpriced=(f"{name}: how long it may run is not known from the definition",))
    hours = job.seconds * USED_SHARE * job.times / 3600
    if job.most_seconds is not None:
        hours = min(hours, job.most_seconds * USED_SHARE / 3600)
    usd, estimated, shown, dates = 0.0, bool(job.note), [], []
    for kind, count in job.instances:
        if not isinstance(kind, str) or not re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9]+", kind) or count is None:
            return Run(unpriced=(f"{name}: its instances are not known from the definition",))
        rate = rates(job.component, kind)
        billed = hours * (1 - SPOT_SAVING if job.spot else 1) + job.keep_seconds / 3600
        usd += count * (billed * rate.usd_per_hour + hours / HOURS * job.volume_gb * ML_STORAGE.usd)
        estimated = estimated or rate.estimated
        dates += dated(rate)
        shown.append(f"{count:g} x {kind}")
    details = [f"{job.times:g} jobs" if job.times != 1 else "", "spot" if job.spot else "", job.note]
    kept = f"kept warm {job.keep_seconds:g} s" if job.keep_seconds else ""
    told = ", ".join(filter(None, (f"{name}: {' and '.join(shown)}", f"{hours:.3g} h", *details, kept)))
    return Run(usd, (told,), estimated, (), tuple(dates))
