"""What one run of a pipeline or a state machine costs, by the jobs in its definition."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controls.pricing.prices import Rate
from review.cost.charge import dated, is_type
from review.cost.jobs import ACTIONS, FREE_STEPS, STEPS, Job, Read
from review.cost.prices import HOURS, ML_STORAGE, SPOT_SAVING

USED_SHARE = 0.5  # of its longest run time, that a job is taken to need
_DEEPEST = 20
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


def of_pipeline(definition: Mapping[str, Any], handed: Mapping[str, Any], rates: Rates) -> Run:
    """One run of a SageMaker pipeline. `handed`: parameters as they are given, by name."""
    told = definition.get("Parameters")
    parameters = {
        str(each.get("Name")): each.get("DefaultValue")
        for each in (told if isinstance(told, list) else ())
        if isinstance(each, Mapping)
    }
    return _steps(definition.get("Steps"), Read({**parameters, **handed}), rates)


def of_machine(definition: Mapping[str, Any], rates: Rates) -> Run:
    """One run of a Step Functions state machine: each state once, whichever way is taken."""
    run, read = Run(), Read()
    for name, state in states(definition):
        action = str(state.get("Resource", "")).removesuffix(".sync").rpartition(":")[2]
        if "sagemaker" in str(state.get("Resource", "")) and action in ACTIONS:
            asked = state.get("Arguments", state.get("Parameters"))
            run += _priced(name, ACTIONS[action](read, asked), rates)
    return run


def of_cluster(name: str, cluster: Any, stop: Any, rates: Rates) -> Run:
    """A processing job of one instance type, as monitors start it."""
    asked = {"ProcessingResources": {"ClusterConfig": cluster}, "StoppingCondition": stop}
    return _priced(name, STEPS["Processing"](Read(), asked), rates)


def _steps(steps: Any, read: Read, rates: Rates, depth: int = 0) -> Run:
    if depth > _DEEPEST:
        return Run(unpriced=("conditions within conditions are not looked at so deep",))
    run = Run()
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, Mapping):
            continue
        kind, name, asked = str(step.get("Type")), str(step.get("Name")), step.get("Arguments")
        if kind == "Condition":
            ways = [_steps(read.at(asked, branch), read, rates, depth + 1) for branch in ("IfSteps", "ElseSteps")]
            run += max(ways, key=lambda way: (way.usd, len(way.unpriced)))
        elif kind in STEPS:
            run += _priced(name, STEPS[kind](read, asked), rates)
        elif kind not in FREE_STEPS:
            run += Run(unpriced=(f"{name}: a step of the kind {kind} has no price here",))
    return run


def states(machine: Any, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All of a state machine, those within others too, by name."""
    told = machine.get("States") if isinstance(machine, Mapping) else None
    for name, state in told.items() if isinstance(told, Mapping) and depth < _DEEPEST else ():
        if isinstance(state, Mapping):
            yield str(name), state
            branches = state.get("Branches")
            inner = [
                state.get("ItemProcessor"),
                state.get("Iterator"),
                *(branches if isinstance(branches, list) else ()),
            ]
            for each in inner:
                yield from states(each, depth + 1)


def _priced(name: str, job: Job, rates: Rates) -> Run:
    ways = [_alone(name, each, rates) for each in (job, *job.alternatives)]
    return max(ways, key=lambda way: (way.usd, len(way.unpriced)))


def _alone(name: str, job: Job, rates: Rates) -> Run:
    if job.seconds is None or job.times is None:
        return Run(unpriced=(f"{name}: how long it may run is not known from the definition",))
    hours = job.seconds * USED_SHARE * job.times / 3600
    if job.most_seconds is not None:
        hours = min(hours, job.most_seconds * USED_SHARE / 3600)
    usd, estimated, shown, dates = 0.0, bool(job.note), [], []
    for kind, count in job.instances:
        if not is_type(kind) or count is None:
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
