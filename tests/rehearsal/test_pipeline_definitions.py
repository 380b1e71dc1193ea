"""Which pipeline definitions, parameters and requests are refused."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker import pipeline_definition
from rehearsal.sagemaker.store import AwsError
from tests.rehearsal.pipelining import TRUE, compare, condition, fail, process

PARAMETERS = [
    {"Name": "Count", "Type": "Integer", "DefaultValue": 3},
    {"Name": "Needed", "Type": "Boolean"},
    {"Name": "Size", "Type": "String", "DefaultValue": "small", "EnumValues": ["small", "big"]},
]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no default"),
        ({"Needed": "true", "Count": "many"}, "not of type Integer"),
        ({"Needed": "perhaps"}, "not of type Boolean"),
        ({"Needed": "true", "Size": "huge"}, "not one of"),
        ({"Needed": "true", "Colour": "red"}, "not declared"),
    ],
)
def test_parameters_are_refused_before_an_execution_exists(
    cloud: EmbeddedCloud, create: Callable[..., None], given: dict[str, str], message: str
) -> None:
    sagemaker, name = cloud.client("sagemaker"), f"typed-{'-'.join(message.split())}"
    create(name, [condition("C", TRUE)], PARAMETERS)
    with pytest.raises(ClientError, match=message):
        sagemaker.start_pipeline_execution(
            PipelineName=name, PipelineParameters=[{"Name": n, "Value": v} for n, v in given.items()]
        )
    assert not sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert "LastRunTime" not in sagemaker.describe_pipeline(PipelineName=name)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([condition("A", compare("Resembles", 1, 2))], "condition type Resembles"),
        ([condition("A", {"Type": "Not", "Expression": compare("Near", 1, 2)})], "condition type Near"),
        ([condition("A", TRUE, DependsOn=["B"]), condition("B", TRUE, DependsOn=["A"])], "wait for each other"),
        ([condition("A", TRUE, yes=[fail("B")], DependsOn=["B"])], "wait for each other"),
        ([condition("A", TRUE, yes=[fail("A")])], "name given twice"),
        ([fail("A", {"Get": "Parameters.None"})], "Parameters.None"),
        ([fail("A", {"Std:Random": {}})], "Std:Random"),
        ([fail("A", CacheConfig={"Enabled": True})], "CacheConfig of type Fail"),
        ([process("A", CacheConfig={"Enabled": True, "ExpireAfter": "soon"})], "not an ISO 8601 duration"),
        ([process("A", RetryPolicies=[{"ExceptionType": ["Any"]}])], "exception type Any"),
        ([{"Name": "A", "Type": "Fail", "Arguments": {}}], "cannot be read"),
        ([condition("A", {"Type": "Equals", "LeftValue": 1})], "condition type Equals without RightValue"),
        ([condition("A", {"Type": "In", "QueryValue": 1, "Values": 2})], "condition type In with Values that are no"),
        ([condition("A", {"Type": "In", "Values": [2]})], "condition type In without QueryValue"),
        ([condition("A", {"Type": "Not"})], "condition type Not without Expression"),
        ([fail("A", {"Std:Join": {"Values": ["a"]}})], "Std:Join without On"),
        ([condition("A", compare("Equals", 1, {"Std:Join": {"On": "a"}}))], "Std:Join without Values"),
        ([fail("A", {"Std:JsonGet": {"S3Uri": "s3://b/k"}})], "Std:JsonGet without Path"),
        ([fail("A", {"Std:JsonGet": {"Path": "a"}})], "Std:JsonGet without PropertyFile or S3Uri"),
        ([process("A", PropertyFiles=[{"PropertyFileName": "a", "OutputName": "b"}])], "cannot be read: .*FilePath"),
    ],
)
def test_a_definition_that_cannot_be_carried_out_is_refused(
    create: Callable[..., None], steps: list[Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        create("refused", steps)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 30 * 86400), ("T16m", 960), ("30dT5h", 2610000), ("P1Y", 31536000), ("PT1H5M", 3900)]
)
def test_durations_are_read_as_aws_writes_them(text: str, seconds: float) -> None:
    assert pipeline_definition.duration_seconds(text) == seconds
    with pytest.raises(AwsError):
        pipeline_definition.duration_seconds("P")
