"""Pipelines over HTTP: which steps run, and with which values."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker import pipeline_definition
from tests.rehearsal.pipelining import FALSE, TRUE, Run, compare, condition, fail, process
from tests.rehearsal.serving import KMEANS


def test_each_condition_type_decides_as_its_name_says(create: Callable[..., None], start: Run) -> None:
    table = [
        (compare("Equals", "a", "a"), "True"),
        (compare("GreaterThan", 2, 2), "False"),
        (compare("GreaterThanOrEqualTo", 2, 2), "True"),
        (compare("LessThan", 2, 2), "False"),
        (compare("LessThanOrEqualTo", 2.0, {"Get": "Parameters.Two"}), "True"),
        ({"Type": "In", "QueryValue": "b", "Values": ["a", {"Std:Join": {"On": "", "Values": ["b"]}}]}, "True"),
        ({"Type": "Not", "Expression": TRUE}, "False"),
        ({"Type": "Or", "Conditions": [FALSE, TRUE]}, "True"),
    ]
    steps = [condition(f"C{i}", row[0]) for i, row in enumerate(table)] + [condition("All", TRUE, FALSE)]
    create("conditions", steps, [{"Name": "Two", "Type": "Integer"}])
    parameters = [{"Name": "Two", "Value": "2"}]
    execution, ran = start("conditions", PipelineParameters=parameters)
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")
    outcomes = {name: step["Metadata"]["Condition"]["Outcome"] for name, step in ran.items()}
    assert outcomes == {f"C{i}": row[1] for i, row in enumerate(table)} | {"All": "False"}


def test_only_the_branch_taken_runs_and_what_needs_the_other_does_not(create: Callable[..., None], start: Run) -> None:
    inner = condition("Inner", TRUE, yes=[condition("Deep", TRUE)])
    other = condition("Other", TRUE, yes=[fail("Never")])
    steps = [
        condition("After", TRUE, DependsOn=["Other"]),
        condition("Later", TRUE, DependsOn=["Deep"]),
        condition("Choose", TRUE, yes=[inner], no=[other]),
    ]
    create("branches", steps)
    execution, ran = start("branches")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")
    assert list(ran) == ["Choose", "Inner", "Deep", "Later"]


def test_a_fail_step_ends_the_execution_with_its_message(create: Callable[..., None], start: Run) -> None:
    message = {"Std:Join": {"On": " ", "Values": ["below", {"Get": "Parameters.Least"}]}}
    create(
        "failing",
        [condition("Good", FALSE, no=[fail("Bad", message)]), condition("Next", TRUE, DependsOn=["Bad"])],
        [{"Name": "Least", "Type": "Float", "DefaultValue": 0.5}],
    )
    execution, ran = start("failing")
    assert execution["PipelineExecutionStatus"] == "Failed" and "below 0.5" in execution["FailureReason"]
    assert ran["Bad"]["Metadata"]["Fail"]["ErrorMessage"] == ran["Bad"]["FailureReason"] == "below 0.5"
    assert list(ran) == ["Good", "Bad"]


def test_a_property_file_is_read_under_the_pipelines_role(
    cloud: EmbeddedCloud, create: Callable[..., None], start: Run, role: str, make_role: Any
) -> None:
    cloud.client("s3").create_bucket(Bucket="reports")
    uri = {"Std:Join": {"On": "/", "Values": ["s3://reports", {"Get": "Execution.PipelineExecutionId"}]}}
    output = {"S3Uri": uri, "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    script = "import sys; open(sys.argv[1] + '/report.json', 'w').write('{\"folds\": [{\"auc\": 0.9}]}')"
    evaluate = process("Evaluate", script, Arguments={})
    evaluate["Arguments"]["AppSpecification"]["ContainerArguments"] = ["/opt/ml/processing/out"]
    evaluate["Arguments"]["ProcessingOutputConfig"] = {"Outputs": [{"OutputName": "report", "S3Output": output}]}
    evaluate["PropertyFiles"] = [{"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}]
    auc = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "folds[0].auc"}}
    steps = [evaluate, condition("Good", compare("GreaterThan", auc, 0.8))]
    create("reads", steps)
    execution, ran = start("reads")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")
    assert ran["Good"]["Metadata"]["Condition"]["Outcome"] == "True"

    blind = make_role(
        "reads-no-data", [{"Effect": "Allow", "Action": ["sagemaker:*", "iam:PassRole"], "Resource": "*"}]
    )
    create("blind", steps, role_arn=blind)
    execution, ran = start("blind")
    assert ran["Evaluate"]["StepStatus"] == "Succeeded" and "AccessDenied" in ran["Good"]["FailureReason"]


def test_a_result_is_reused_until_it_expires(cloud: EmbeddedCloud, create: Callable[..., None], start: Run) -> None:
    cached = process("Work", CacheConfig={"Enabled": True, "ExpireAfter": "T5m"})
    cached["Arguments"]["Environment"] = {"KEY": {"Get": "Parameters.Key"}}
    create("cached", [cached], [{"Name": "Key", "Type": "String", "DefaultValue": "a"}])
    first, ran = start("cached")
    again, reused = start("cached")
    assert "CacheHitResult" not in ran["Work"], first
    assert reused["Work"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
    assert reused["Work"]["Metadata"] == ran["Work"]["Metadata"], again
    other = start("cached", PipelineParameters=[{"Name": "Key", "Value": "b"}])[1]
    assert "CacheHitResult" not in other["Work"]
    cloud.control("advance", seconds=301)
    assert "CacheHitResult" not in start("cached")[1]["Work"]


@pytest.fixture(scope="module")
def function(cloud: EmbeddedCloud, role: str) -> str:
    """A function that adds one, or raises when told to."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = cloud.client("iam").create_role(RoleName="adds", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return {'sum': event['n'] + 1, 'x': 0}\n")
    return cloud.client("lambda").create_function(
        FunctionName="adds",
        Runtime="python3.13",
        Role=arn,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]


def test_a_function_gets_its_arguments_and_gives_its_output_parameters(
    create: Callable[..., None], start: Run, function: str, make_role: Any
) -> None:
    outputs = [{"OutputName": "sum", "OutputType": "Integer"}]
    adds = {"Name": "Add", "Type": "Lambda", "Arguments": {"n": 2}, "FunctionArn": function}
    total = {"Get": "Steps.Add.OutputParameters['sum']"}
    create("adds", [{**adds, "OutputParameters": outputs}, condition("Three", compare("Equals", total, 3))])
    execution, ran = start("adds")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")
    assert ran["Add"]["Metadata"]["Lambda"] == {"Arn": function, "OutputParameters": [{"Name": "sum", "Value": "3"}]}
    assert ran["Three"]["Metadata"]["Condition"]["Outcome"] == "True"

    create("adds-badly", [{**adds, "Arguments": {}}])
    assert "'n'" in start("adds-badly")[1]["Add"]["FailureReason"]
    barred = make_role("barred", [{"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}])
    create("barred", [adds], role_arn=barred)
    assert "AccessDenied" in start("barred")[1]["Add"]["FailureReason"]


def test_execution_variables_stand_for_this_execution(create: Callable[..., None], start: Run) -> None:
    names = [f"Execution.{name}" for name in pipeline_definition.EXECUTION]
    create("variables", [fail("Tell", {"Std:Join": {"On": " ", "Values": [{"Get": name} for name in names]}})])
    execution, ran = start("variables")
    name, pipeline, identity, arn, began, now = ran["Tell"]["FailureReason"].split(" ")
    assert (name, pipeline, arn) == ("variables", execution["PipelineArn"], execution["PipelineExecutionArn"])
    assert arn.endswith(identity) and began <= now and began.endswith("Z")


def test_a_json_file_is_read_by_its_s3_uri(cloud: EmbeddedCloud, create: Callable[..., None], start: Run) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="measures")
    s3.put_object(Bucket="measures", Key="a/report.json", Body=b'{"auc": {"value": 0.9}, "list": ["x", "y"]}')
    s3.put_object(Bucket="measures", Key="a/broken.json", Body=b"no")

    def get(name: str, path: str) -> dict[str, Any]:
        uri = {"Std:Join": {"On": "/", "Values": ["s3://measures", {"Get": "Parameters.Folder"}, name]}}
        return {"Std:JsonGet": {"S3Uri": uri, "Path": path}}

    folder = [{"Name": "Folder", "Type": "String", "DefaultValue": "a"}]
    deep = compare("GreaterThan", get("report.json", "auc.value"), 0.8)
    item = compare("Equals", get("report.json", "$.list[1]"), "y")
    create("reads-s3", [condition("Good", deep, item)], folder)
    execution, ran = start("reads-s3")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")
    assert ran["Good"]["Metadata"]["Condition"]["Outcome"] == "True"

    for name, path, words in (
        ("report.json", "auc.none", "no 'none' there"),
        ("broken.json", "auc", "is not JSON"),
        ("none.json", "auc", "NoSuchKey"),
    ):
        pipeline = f"reads-badly-{words.split()[-1].lower()}"
        create(pipeline, [condition("Bad", compare("Equals", get(name, path), 1))], folder)
        assert words in start(pipeline)[1]["Bad"]["FailureReason"]


def test_a_model_is_made_of_what_an_earlier_step_produced(
    cloud: EmbeddedCloud, create: Callable[..., None], start: Run
) -> None:
    uri = {"S3Uri": "s3://models/by-pipeline", "LocalPath": "/opt/ml/processing/model", "S3UploadMode": "EndOfJob"}
    long = "Makes_a_model_with_a_name_that_is_as_long_as_a_step_may_have_it0"
    makes = process(long)
    makes["Arguments"]["ProcessingOutputConfig"] = {"Outputs": [{"OutputName": "model", "S3Output": uri}]}
    data = {"Get": f"Steps.{long}.ProcessingOutputConfig.Outputs['model'].S3Output.S3Uri"}
    container = {"Image": KMEANS, "ModelDataUrl": {"Std:Join": {"On": "/", "Values": [data, "model.tar.gz"]}}}
    arguments = {"PrimaryContainer": container, "ExecutionRoleArn": {"Get": "Parameters.Role"}}
    name = {"Get": "Steps.Model.ModelName"}
    tell = fail("Tell", {"Std:Join": {"On": "", "Values": ["made ", name]}})
    create("models", [makes, {"Name": "Model", "Type": "Model", "Arguments": arguments}, tell])
    ran = start("models")[1]
    arn = ran["Model"]["Metadata"]["Model"]["Arn"]
    told = ran["Tell"]["FailureReason"].removeprefix("made ")
    model = cloud.client("sagemaker").describe_model(ModelName=told)
    assert model["ModelArn"] == arn and told.startswith("pipelines-")
    assert model["PrimaryContainer"]["ModelDataUrl"] == "s3://models/by-pipeline/model.tar.gz"
