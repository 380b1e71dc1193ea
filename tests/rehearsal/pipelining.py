"""Steps of pipeline definitions, and executions, for tests that run them."""

import time
from collections.abc import Callable
from typing import Any

from rehearsal.embedded import EmbeddedCloud

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ENDED = ("Succeeded", "Failed", "Stopped")
Run = Callable[..., tuple[dict[str, Any], dict[str, dict[str, Any]]]]


def process(name: str, script: str = "", **more: Any) -> dict[str, Any]:
    """A Processing step that runs a line of Python."""
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    arguments: dict[str, Any] = {
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", script or "pass"]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": {"Get": "Parameters.Role"},
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments | more.pop("Arguments", {}), **more}


def condition(name: str, *conditions: Any, yes: Any = (), no: Any = (), **more: Any) -> dict[str, Any]:
    arguments = {"Conditions": list(conditions), "IfSteps": list(yes), "ElseSteps": list(no)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, **more}


def fail(name: str, message: Any = "as told", **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **more}


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


TRUE, FALSE = compare("Equals", 1, 1), compare("Equals", 1, 2)


def ended(cloud: EmbeddedCloud, arn: str, seconds: float = 30) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    sagemaker, deadline = cloud.client("sagemaker"), time.monotonic() + seconds
    while (answer := sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn))[
        "PipelineExecutionStatus"
    ] not in ENDED:
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
    return answer, {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}


def until(true: Callable[[], Any], seconds: float = 20) -> Any:
    """What it says once that is true."""
    deadline = time.monotonic() + seconds
    while not (said := true()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return said


def listed(cloud: EmbeddedCloud, arn: str) -> dict[str, dict[str, Any]]:
    steps = cloud.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=arn)
    return {step["StepName"]: step for step in steps["PipelineExecutionSteps"]}
