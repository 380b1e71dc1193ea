"""What Sluice asks of a search for hyperparameters, beside what it asks of each of its training jobs."""

from collections.abc import Iterator
from typing import Any

from config.tuning import Tuning
from workloads.compiler.rules import Breach, get, most, shown

RULE = "tuning"
CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"
# What would start jobs that no rule here sees, or others than workload.yaml describes.
REFUSED = (
    *("TrainingJobDefinitions", "WarmStartConfig", "Autotune"),
    *(f"{DEFINITION}.HyperParameterTuningResourceConfig", f"{DEFINITION}.HyperParameterRanges"),
)


def search(arguments: dict[str, Any], settings: Tuning | None) -> Iterator[Breach]:
    """The breaches of a CreateHyperParameterTuningJob request; `settings` is what workload.yaml says of it."""
    if settings is None:
        yield Breach(CONFIG, RULE, "a search", "none: workload.yaml has no `tuning`")
        return
    for field in REFUSED:
        if (value := get(arguments, field)) is not None:
            yield Breach(field, RULE, shown(value), "nothing: a search is what workload.yaml says, from the beginning")
    limits = f"{CONFIG}.ResourceLimits"
    yield from most(arguments, f"{limits}.MaxNumberOfTrainingJobs", RULE, settings.max_jobs)
    yield from most(arguments, f"{limits}.MaxParallelTrainingJobs", RULE, settings.parallel_jobs)
    if settings.max_run_seconds is not None:
        yield from most(arguments, f"{limits}.MaxRuntimeInSeconds", RULE, settings.max_run_seconds)
    yield from _ranges(arguments)
    yield from _objective(arguments)


def _ranges(arguments: dict[str, Any]) -> Iterator[Breach]:
    for kind in ("IntegerParameterRanges", "ContinuousParameterRanges"):
        field = f"{CONFIG}.ParameterRanges.{kind}"
        for index, given in enumerate(get(arguments, field) or ()):
            low, high = given.get("MinValue"), given.get("MaxValue")
            if not _is_number(low) or not _is_number(high) or float(low) >= float(high):
                value = f"{given.get('Name')} from {low!r} to {high!r}"
                yield Breach(f"{field}[{index}]", RULE, value, "two numbers, MinValue below MaxValue")


def _is_number(text: Any) -> bool:
    try:
        return isinstance(text, str) and float(text) == float(text)
    except ValueError:
        return False


def _objective(arguments: dict[str, Any]) -> Iterator[Breach]:
    field = f"{CONFIG}.HyperParameterTuningJobObjective.MetricName"
    name = get(arguments, field)
    found = get(arguments, f"{DEFINITION}.AlgorithmSpecification.MetricDefinitions") or []
    if name not in [definition.get("Name") for definition in found]:
        told = f"the name of one of {DEFINITION}'s MetricDefinitions, else no job has a result"
        yield Breach(field, RULE, shown(name), told)
