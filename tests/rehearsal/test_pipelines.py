"""Pipelines over HTTP: which steps run, with which values, and what an execution tells of it."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker import pipeline_definition, pipeline_steps
from rehearsal.sagemaker.store import AwsError

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


@pytest.fixture(scope="module")
def create(cloud: EmbeddedCloud, role: str) -> Callable[..., None]:
    def make(name: str, steps: list[Any], parameters: Any = (), role_arn: str = role) -> None:
        given = [{"Name": "Role", "Type": "String", "DefaultValue": role}, *parameters]
        cloud.client("sagemaker").create_pipeline(
            PipelineName=name,
            PipelineDefinition=json.dumps({"Version": "2020-12-01", "Parameters": given, "Steps": steps}),
            RoleArn=role_arn,
            ClientRequestToken="c" * 32,
        )

    return make


@pytest.fixture(scope="module")
def start(cloud: EmbeddedCloud) -> Run:
    """Runs a pipeline to its end: the execution, and its steps by name in the order of their start."""

    def run(name: str, **more: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        arn = cloud.client("sagemaker").start_pipeline_execution(PipelineName=name, **more)["PipelineExecutionArn"]
        return ended(cloud, arn)

    return run


def ended(cloud: EmbeddedCloud, arn: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    sagemaker, deadline = cloud.client("sagemaker"), time.monotonic() + 30
    while (answer := sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn))[
        "PipelineExecutionStatus"
    ] not in ENDED:
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
    return answer, {step["StepName"]: step for step in listed["PipelineExecutionSteps"]}


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

    blind = make_role("blind", [{"Effect": "Allow", "Action": ["sagemaker:*", "iam:PassRole"], "Resource": "*"}])
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


def test_a_stop_ends_the_running_job_and_starts_nothing_more(
    cloud: EmbeddedCloud, create: Callable[..., None], tmp_path: Path
) -> None:
    sagemaker, began = cloud.client("sagemaker"), tmp_path / "began"
    slow = process("Slow", f"import time; open({str(began)!r}, 'w').close(); time.sleep(20)")
    create("stopped", [slow, condition("Next", TRUE, DependsOn=["Slow"])])
    arn = sagemaker.start_pipeline_execution(PipelineName="stopped")["PipelineExecutionArn"]
    deadline = time.monotonic() + 10
    while not began.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
    execution, ran = ended(cloud, arn)
    assert execution["PipelineExecutionStatus"] == "Stopped"
    assert {name: step["StepStatus"] for name, step in ran.items()} == {"Slow": "Stopped"}


def test_execution_variables_stand_for_this_execution(create: Callable[..., None], start: Run) -> None:
    names = [f"Execution.{name}" for name in pipeline_definition.EXECUTION]
    create("variables", [fail("Tell", {"Std:Join": {"On": " ", "Values": [{"Get": name} for name in names]}})])
    execution, ran = start("variables")
    name, pipeline, identity, arn, began, now = ran["Tell"]["FailureReason"].split(" ")
    assert (name, pipeline, arn) == ("variables", execution["PipelineArn"], execution["PipelineExecutionArn"])
    assert arn.endswith(identity) and began <= now and began.endswith("Z")


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
    ],
)
def test_a_definition_that_cannot_be_carried_out_is_refused(
    create: Callable[..., None], steps: list[Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        create("refused", steps)


def test_a_retry_policy_repeats_what_it_names_and_nothing_else() -> None:
    throttled = ClientError({"Error": {"Code": "ThrottlingException"}}, "CreateTrainingJob")
    policy = {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 0, "MaxAttempts": 2}
    seen: list[int] = []

    def attempt(number: int, until: int = 3) -> dict[str, Any]:
        seen.append(number)
        if number < until:
            raise throttled
        return {"number": number}

    assert pipeline_steps.attempts([policy], attempt) == {"number": 3} and seen == [1, 2, 3]
    with pytest.raises(ClientError):
        pipeline_steps.attempts([policy], lambda number: attempt(number, 9))
    assert seen[3:] == [1, 2, 3]
    with pytest.raises(ClientError):
        pipeline_steps.attempts([{**policy, "ExceptionType": ["Step.SERVICE_FAULT"]}], lambda n: attempt(n, 9))
    assert seen[6:] == [1]


def test_an_error_of_the_script_is_not_retried(create: Callable[..., None], start: Run) -> None:
    policy = {"ExceptionType": list(pipeline_definition.EXCEPTIONS), "IntervalSeconds": 1, "MaxAttempts": 3}
    create("own-fault", [process("Broken", "raise SystemExit(3)", RetryPolicies=[policy])])
    execution, ran = start("own-fault")
    assert execution["PipelineExecutionStatus"] == "Failed" and ran["Broken"]["AttemptCount"] == 1


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 30 * 86400), ("T16m", 960), ("30dT5h", 2610000), ("P1Y", 31536000), ("PT1H5M", 3900)]
)
def test_durations_are_read_as_aws_writes_them(text: str, seconds: float) -> None:
    assert pipeline_definition.duration_seconds(text) == seconds
    with pytest.raises(AwsError):
        pipeline_definition.duration_seconds("P")


def test_execution_and_steps_tell_their_states_on_the_event_bus(
    cloud: EmbeddedCloud, create: Callable[..., None], start: Run
) -> None:
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="pipeline-events")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    create("told", [condition("Only", TRUE)])
    arn = cloud.client("sagemaker").describe_pipeline(PipelineName="told")["PipelineArn"]
    pattern = {"source": ["aws.sagemaker"], "detail": {"pipelineArn": [arn]}}
    events.put_rule(Name="pipeline-events", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="pipeline-events", Targets=[{"Id": "queue", "Arn": queue}])
    start("told")
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + 10
    while len(found) < 4 and time.monotonic() < deadline:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        found += [json.loads(message["Body"]) for message in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    told = [
        (
            e["detail-type"].rsplit("Execution ", 1)[1],
            e["detail"].get("currentPipelineExecutionStatus") or e["detail"]["currentStepStatus"],
        )
        for e in found
    ]
    status, step = "Status Change", "Step Status Change"
    assert sorted(told) == [(status, "Executing"), (status, "Succeeded"), (step, "Executing"), (step, "Succeeded")]
    last = next(e["detail"] for e in found if e["detail"].get("stepEndTime"))
    assert last["stepName"] == "Only" and last["metadata"] == {"condition": {"outcome": "True"}}
