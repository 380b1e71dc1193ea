"""A step's arguments are compared with the request shape of botocore's own service model."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workloads.compiler.shapes import Mismatch, request_mismatches

PIPELINE = Path(__file__).parents[2] / "workloads" / "digits" / "pipeline.json"
TRAIN = next(step for step in json.loads(PIPELINE.read_text())["Steps"] if step["Name"] == "Train")["Arguments"]


def mismatches(change: Callable[[dict[str, Any]], object]) -> list[Mismatch]:
    arguments = copy.deepcopy(TRAIN)
    change(arguments)
    return list(request_mismatches(arguments, "CreateTrainingJob", "TrainingJobName"))


PLANTED = {
    "unknown member": (
        lambda a: a["ResourceConfig"].update(InstanceKind="x"),
        "ResourceConfig.InstanceKind",
        "InstanceType",
    ),
    "missing member": (lambda a: a.pop("RoleArn"), "RoleArn", "required"),
    "wrong type": (
        lambda a: a["ResourceConfig"].update(VolumeSizeInGB="10"),
        "ResourceConfig.VolumeSizeInGB",
        "integer",
    ),
    "truth as a number": (
        lambda a: a["ResourceConfig"].update(InstanceCount=True),
        "ResourceConfig.InstanceCount",
        "integer",
    ),
    "number as a truth": (lambda a: a.update(EnableNetworkIsolation=1), "EnableNetworkIsolation", "boolean"),
    "enum": (lambda a: a["OutputDataConfig"].update(CompressionType="ZIP"), "OutputDataConfig.CompressionType", "GZIP"),
    "range": (
        lambda a: a["StoppingCondition"].update(MaxRuntimeInSeconds=0),
        "StoppingCondition.MaxRuntimeInSeconds",
        "1",
    ),
    "length": (lambda a: a["HyperParameters"].update(k="1" * 2501), "HyperParameters['k']", "0 to 2500 characters"),
    "entries": (lambda a: a["VpcConfig"].update(Subnets=[]), "VpcConfig.Subnets", "1 to 16 entries"),
    "pattern": (
        lambda a: a["OutputDataConfig"].update(S3OutputPath="here"),
        "OutputDataConfig.S3OutputPath",
        "matches",
    ),
    "list": (lambda a: a.update(InputDataConfig={}), "InputDataConfig", "a list"),
    "map": (lambda a: a.update(HyperParameters=[]), "HyperParameters", "an object"),
    "deep": (
        lambda a: a["InputDataConfig"][0]["DataSource"]["S3DataSource"].pop("S3DataType"),
        "InputDataConfig[0].DataSource.S3DataSource.S3DataType",
        "required",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_error_is_reported_at_its_place_with_what_is_allowed(name: str) -> None:
    change, field, allowed = PLANTED[name]
    (found,) = mismatches(change)
    assert found.field == f"Arguments.{field}"
    assert allowed in found.allowed


def test_the_name_that_the_service_gives_may_be_missing() -> None:
    assert mismatches(lambda arguments: None) == []
    assert [found.field for found in request_mismatches(TRAIN, "CreateTrainingJob", "")] == [
        "Arguments.TrainingJobName"
    ]


@pytest.mark.parametrize(
    "value", [{"Get": "Parameters.X"}, {"Std:Join": {"On": "/", "Values": []}}, {"Std:JsonGet": {"Path": "x"}}]
)
def test_a_value_that_the_service_works_out_stands_for_any_type(value: object) -> None:
    assert mismatches(lambda arguments: arguments["ResourceConfig"].update(InstanceCount=value)) == []


def test_a_placeholder_within_a_text_is_compared_with_the_pattern() -> None:
    assert (
        mismatches(lambda arguments: arguments["OutputDataConfig"].update(S3OutputPath="s3://${ArtifactBucket}/x"))
        == []
    )
    assert mismatches(lambda arguments: arguments["OutputDataConfig"].update(S3OutputPath="${ArtifactBucket}/x"))
