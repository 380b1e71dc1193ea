"""Builds and judges the state machine of a workload that Autopilot trains. Needs no SDK."""

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from config.workload import Autopilot, Workload
from workloads.compiler import machine_rules, rules
from workloads.compiler.findings import Finding
from workloads.compiler.shapes import request_mismatches

# What synthesis fills in, next to the workload's images.
PLACEHOLDERS = (
    *("Partition", "ArtifactBucket", "KeyArn", "ExecutionRoleArn", "PackageGroup", "PackageArn", "JobStem"),
    *("BeginFunctionArn", "CodeBucket", "CodeKey", "SecurityGroupIds", "SubnetIds"),
)
SAGEMAKER = "arn:${Partition}:states:::aws-sdk:sagemaker:"
OTHERS = ("lambda:invoke", "aws-sdk:s3:getObject", "aws-sdk:s3:putObject")
# Metric of workload.yaml -> objective of Autopilot. `auc` is of two classes.
OBJECTIVES = {"auc": "AUC", "accuracy": "Accuracy", "f1": "F1", "rmse": "RMSE", "mae": "MAE", "r2": "R2"}
TYPES = ("Task", "Pass", "Wait", "Choice", "Succeed", "Fail")

Images = dict[str, dict[str, str]]


def build(folder: Path, workload: Workload) -> tuple[dict[str, Any], Images]:
    """The state machine of the workload in `folder`, and its images as they were committed: no SDK is needed."""
    spec = importlib.util.spec_from_file_location(f"workloads.{folder.name}.pipeline", folder / "pipeline.py")
    assert spec and spec.loader, folder
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(workload), json.loads((folder / "images.json").read_text())


def findings(name: str, machine: Mapping[str, Any], workload: Workload) -> Iterator[Finding]:
    """What is wrong with a machine: its requests, the rules for what they start, its states and its time."""
    states, algorithm = machine["States"], workload.algorithm
    given = isinstance(algorithm, Autopilot) and algorithm.problem != "auto"
    if given and workload.metric.name not in OBJECTIVES:
        yield Finding(name, "Search", "metric.name", "request", repr(workload.metric.name), ", ".join(OBJECTIVES))
    if not isinstance(machine.get("TimeoutSeconds"), int):
        yield Finding(name, "-", "TimeoutSeconds", "limit", "missing", "a number of seconds; the default is a year")
    for state, field, value in _loose_ends(machine):
        yield Finding(name, state, field, "step", repr(value), ", ".join(states))
    for state_name, state in states.items():
        if state["Type"] not in TYPES:
            yield Finding(name, state_name, "Type", "step", repr(state["Type"]), ", ".join(TYPES))
        elif state["Type"] == "Task":
            yield from _task(name, state_name, state, workload)


def _task(name: str, state_name: str, state: Mapping[str, Any], workload: Workload) -> Iterator[Finding]:
    resource = state["Resource"]
    if not resource.startswith(SAGEMAKER):
        if resource.removeprefix("arn:${Partition}:states:::") not in OTHERS:
            allowed = ", ".join((f"{SAGEMAKER}*", *OTHERS))
            yield Finding(name, state_name, "Resource", "step", repr(resource), allowed)
        return
    action = resource.removeprefix(SAGEMAKER)
    operation = action[0].upper() + action[1:]
    arguments = _at_run_time(state["Arguments"])
    judge = _RULES.get(operation)
    if judge is None and operation.startswith("Create"):
        known = ", ".join(sorted(_RULES))
        yield Finding(name, state_name, "Resource", "step", repr(operation), f"what rules cover: {known}")
        return
    for field, value, allowed in request_mismatches(arguments, operation, ""):
        yield Finding(name, state_name, field, "request", value, allowed)
    for breach in judge(arguments, workload) if judge else ():
        yield Finding(name, state_name, f"Arguments.{breach.field}", breach.rule, breach.value, breach.allowed)


def _automl(arguments: dict[str, Any], workload: Workload) -> Iterator[rules.Breach]:
    assert isinstance(workload.algorithm, Autopilot)
    return machine_rules.automl(arguments, workload.algorithm)


_RULES: dict[str, Callable[[dict[str, Any], Workload], Any]] = {
    "CreateAutoMLJobV2": _automl,
    "CreateProcessingJob": lambda arguments, workload: (
        *rules.processing(arguments, workload.process),
        *rules.role(arguments),
    ),
    "CreateTransformJob": lambda arguments, workload: machine_rules.transform(arguments, workload.serve),
    "CreateModel": lambda arguments, workload: machine_rules.model(arguments),
    "CreateModelPackage": lambda arguments, workload: (),
}


def _at_run_time(value: Any) -> Any:
    """The value with each JSONata expression in the form that stands for what is known at run time only."""
    if isinstance(value, str) and value.startswith("{%"):
        return {"Get": value}
    if isinstance(value, dict):
        return {key: _at_run_time(item) for key, item in value.items()}
    return [_at_run_time(item) for item in value] if isinstance(value, list) else value


def _loose_ends(machine: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Names that no state has, and states that nothing leads to: state, field, name."""
    states = machine["States"]
    leads = [("-", "StartAt", machine["StartAt"])]
    for name, state in states.items():
        leads += [(name, field, state[field]) for field in ("Next", "Default") if field in state]
        leads += [(name, "Choices", choice["Next"]) for choice in state.get("Choices", [])]
        leads += [(name, "Catch", catch["Next"]) for catch in state.get("Catch", [])]
    yield from (lead for lead in leads if lead[2] not in states)
    yield from ((name, "unreachable", name) for name in sorted(set(states) - {lead[2] for lead in leads}))
