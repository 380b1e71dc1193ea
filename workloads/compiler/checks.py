"""Judges a pipeline definition: its placeholders, its requests and the rules for its jobs. Needs no SDK."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from config.workload import RuleException, Workload
from workloads.compiler import machine, rules, search_rules
from workloads.compiler.findings import Finding
from workloads.compiler.shapes import PLACEHOLDER, request_mismatches

# Step type -> its operation and the member that the service fills in. A type that no rule covers is refused.
OPERATIONS = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "Tuning": ("CreateHyperParameterTuningJob", "HyperParameterTuningJobName"),
    "RegisterModel": ("CreateModelPackage", ""),
    "Model": ("CreateModel", "ModelName"),
}
LONGEST = timedelta(days=366)  # that an exception holds
CONTROL_STEPS = ("Condition", "Fail", "Lambda")
# The one function that a pipeline calls, and those of a monitor's. No other may: rules see what jobs do, not what
# functions do.
FUNCTIONS = ("${BeginFunctionArn}",)
MONITOR_FUNCTIONS = ("${WatchFunctionArn}", "${ConcludeFunctionArn}")
# What synthesis fills in, next to the workload's images.
PLACEHOLDERS = (
    *("DataBucket", "ArtifactBucket", "KeyArn", "ExecutionRoleArn", "PackageGroup"),
    *("CodeBucket", "CodeKey", "SecurityGroupIds", "SubnetIds", "BeginFunctionArn"),
)
MONITOR_PLACEHOLDERS = (
    *("KeyArn", "ExecutionRoleArn", "CodeBucket", "CodeKey", "SecurityGroupIds", "SubnetIds"),
    *("WatchFunctionArn", "ConcludeFunctionArn", "MonitorImage"),
)


def check(
    name: str,
    definition: dict[str, Any],
    images: Mapping[str, Mapping[str, str]],
    workload: Workload,
    today: date,
) -> list[Finding]:
    """All findings of workload `name`, sorted; those that its `exceptions` waive are left out."""
    if "States" in definition:
        found = [*_placeholders(name, definition, machine.PLACEHOLDERS, images)]
        found += machine.findings(name, definition, workload)
    else:
        found = [*_placeholders(name, definition, PLACEHOLDERS, images)]
        for step in _steps(definition["Steps"]):
            found += _findings(name, step, images, workload)
    waived = {(waiver.step, waiver.rule) for waiver in in_force(workload, today)}
    kept = [finding for finding in found if (finding.step, finding.rule) not in waived]
    return sorted([*kept, *_waivers(name, workload, {(finding.step, finding.rule) for finding in found}, today)])


def check_monitor(name: str, definition: dict[str, Any], workload: Workload) -> list[Finding]:
    """All findings of the monitor of workload `name`, sorted; nothing waives them."""
    assert workload.monitor is not None, name
    examined = workload.model_copy(update={"process": workload.monitor.process, "train": None, "tuning": None})
    found = [*_placeholders(name, definition, MONITOR_PLACEHOLDERS, {})]
    for step in _steps(definition["Steps"]):
        found += _findings(name, step, {}, examined, MONITOR_FUNCTIONS)
    return sorted(found)


def in_force(workload: Workload, today: date) -> list[RuleException]:
    """The exceptions that hold today; their last day counts."""
    return [waiver for waiver in workload.exceptions if waiver.until >= today]


def _waivers(name: str, workload: Workload, found: set[tuple[str, str]], today: date) -> Iterator[Finding]:
    """What is wrong with the exceptions themselves."""
    for waiver in workload.exceptions:
        if waiver.until < today:
            value, allowed = f"expired on {waiver.until}", "the rule kept, or another day and its reason"
        elif waiver.until - today > LONGEST:
            value, allowed = f"until {waiver.until}", f"a day within {LONGEST.days} days: then it is looked at again"
        elif (waiver.step, waiver.rule) not in found:
            value, allowed = "waives nothing", "only exceptions that are needed"
        else:
            continue
        yield Finding(name, waiver.step, "exceptions", waiver.rule, value, allowed)


def _findings(
    name: str,
    step: dict[str, Any],
    images: Mapping[str, Mapping[str, str]],
    workload: Workload,
    functions: Sequence[str] = FUNCTIONS,
) -> Iterator[Finding]:
    kind, arguments = step["Type"], step.get("Arguments", {})
    if kind == "Lambda" and (function := step.get("FunctionArn")) not in functions:
        yield Finding(name, step["Name"], "FunctionArn", "step", repr(function), ", ".join(functions))
    if kind not in OPERATIONS:
        if kind not in CONTROL_STEPS:
            yield Finding(name, step["Name"], "Type", "step", repr(kind), ", ".join((*OPERATIONS, *CONTROL_STEPS)))
        return
    operation, given_by_service = OPERATIONS[kind]
    for field, value, allowed in request_mismatches(arguments, operation, given_by_service):
        yield Finding(name, step["Name"], field, "request", value, allowed)
    for field, rule, value, allowed in _breaches(kind, arguments, images, workload):
        yield Finding(name, step["Name"], f"Arguments.{field}", rule, value, allowed)


def _breaches(
    kind: str, arguments: dict[str, Any], images: Mapping[str, Mapping[str, str]], workload: Workload
) -> Iterator[rules.Breach]:
    if kind == "Training":
        yield from rules.training(arguments, _image(arguments, images), workload.train)
    if kind == "Processing":
        yield from rules.processing(arguments, workload.process)
    if kind == "Tuning":
        yield from search_rules.search(arguments, workload.tuning)
        job = arguments.get(search_rules.DEFINITION, {})
        for field, *rest in rules.training(job, _image(job, images), workload.train):
            yield rules.Breach(f"{search_rules.DEFINITION}.{field}", *rest)


def _image(job: dict[str, Any], images: Mapping[str, Mapping[str, str]]) -> str:
    return _repository(job.get("AlgorithmSpecification", {}).get("TrainingImage"), images)


def _repository(image: Any, images: Mapping[str, Mapping[str, str]]) -> str:
    """The repository of an image, such as `kmeans`; a placeholder stands for one image in every region."""
    if not isinstance(image, str):
        return ""
    placeholder = PLACEHOLDER.fullmatch(image)
    if placeholder:
        image = next(iter(images.get(placeholder[1], {}).values()), "")
    return image.rpartition("/")[2].partition(":")[0]


def _steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every step, also those inside the branches of conditions."""
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                yield from _steps(step["Arguments"].get(branch, []))


def _placeholders(
    name: str, definition: dict[str, Any], filled: Iterable[str], images: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    allowed = (*filled, *images)
    # Anything after "${" that is no known name would reach CloudFormation's Fn::Sub and fail there.
    for part in sorted({text.partition("}")[0] for text in json.dumps(definition).split("${")[1:]} - set(allowed)):
        yield Finding(name, "-", "${" + part[:40] + "}", "placeholder", "unknown", ", ".join(allowed))
