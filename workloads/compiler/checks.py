"""Judges a pipeline definition: its placeholders, its requests and the rules for its jobs. Needs no SDK."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from config.workload import Workload
from workloads.compiler import machine, rules
from workloads.compiler.findings import Finding
from workloads.compiler.shapes import PLACEHOLDER, request_mismatches

# Step type -> its operation and the member that the service fills in. A type that no rule covers is refused.
OPERATIONS = {
    "Processing": ("CreateProcessingJob", "ProcessingJobName"),
    "Training": ("CreateTrainingJob", "TrainingJobName"),
    "RegisterModel": ("CreateModelPackage", ""),
    "Model": ("CreateModel", "ModelName"),
}
CONTROL_STEPS = ("Condition", "Fail")
# What synthesis fills in, next to the workload's images.
PLACEHOLDERS = (
    *("DataBucket", "ArtifactBucket", "KeyArn", "ExecutionRoleArn", "PackageGroup"),
    *("CodeBucket", "CodeKey", "SecurityGroupIds", "SubnetIds"),
)


def check(
    name: str, definition: dict[str, Any], images: Mapping[str, Mapping[str, str]], workload: Workload
) -> list[Finding]:
    """All findings of workload `name`, sorted; those that its `exceptions` waive are left out."""
    if "States" in definition:
        found = [*_placeholders(name, definition, machine.PLACEHOLDERS, images)]
        found += machine.findings(name, definition, workload)
    else:
        found = [*_placeholders(name, definition, PLACEHOLDERS, images)]
        for step in _steps(definition["Steps"]):
            found += _findings(name, step, images, workload)
    waived = {(waiver.step, waiver.rule) for waiver in workload.exceptions}
    idle = waived - {(finding.step, finding.rule) for finding in found}
    kept = [finding for finding in found if (finding.step, finding.rule) not in waived]
    kept += [
        Finding(name, step, "exceptions", rule, "waives nothing", "only exceptions that are needed")
        for step, rule in idle
    ]
    return sorted(kept)


def _findings(
    name: str, step: dict[str, Any], images: Mapping[str, Mapping[str, str]], workload: Workload
) -> Iterator[Finding]:
    kind, arguments = step["Type"], step.get("Arguments", {})
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
) -> Iterable[rules.Breach]:
    if kind == "Training":
        image = arguments.get("AlgorithmSpecification", {}).get("TrainingImage")
        return rules.training(arguments, _repository(image, images), workload.train.instance_count)
    return rules.processing(arguments) if kind == "Processing" else ()


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
