"""Step Functions calls SageMaker as `aws-sdk:sagemaker`, under the state machine's role."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud

pytestmark = pytest.mark.slow

SDK = "arn:aws:states:::aws-sdk:sagemaker"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """One of its own: tests of other files would be surprised by skips of days."""
    with EmbeddedCloud("us-east-1", tmp_path_factory.mktemp("cloud")) as running:
        running.start()
        yield running


def machine(cloud: EmbeddedCloud, name: str, actions: list[str], states: dict[str, Any], start: str) -> str:
    """A state machine with a role of its own; its ARN."""
    iam, trusted = cloud.client("iam"), {"Service": "states.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    documents = [json.dumps({"Version": "2012-10-17", "Statement": [s]}) for s in (trust, allowed)]
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=documents[0])["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=documents[1])
    definition = json.dumps({"StartAt": start, "States": states})
    created = cloud.client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)
    return created["stateMachineArn"]


def ended(cloud: EmbeddedCloud, arn: str) -> dict[str, Any]:
    states, deadline = cloud.client("stepfunctions"), time.monotonic() + 20
    execution = states.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline, found
        cloud.control("advance", seconds=600)  # a wait of hours need not be waited for
        time.sleep(0.05)
    return found


def task(action: str, parameters: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"{SDK}:{action}", "Parameters": parameters} | more


def test_a_state_machine_creates_describes_waits_and_catches_what_is_missing(cloud: EmbeddedCloud) -> None:
    group = {"ModelPackageGroupName": "by-states"}
    # "ServiceName.ErrorName", in Pascal case and with the suffix Exception.
    caught = {"ErrorEquals": ["SageMaker.SageMakerException"], "ResultPath": "$.error", "Next": "Told"}
    missing = {"TrainingJobName": "missing"}
    states = {
        "Create": task("createModelPackageGroup", group, Next="Describe"),
        "Describe": task("describeModelPackageGroup", group, Next="Wait"),
        "Wait": {"Type": "Wait", "Seconds": 7200, "Next": "Missing"},
        "Missing": task("describeModelPackageGroup", {"ModelPackageGroupName": "nobody"}, Catch=[caught], End=True),
        "Told": {"Type": "Pass", "End": True},
    }
    actions = ["sagemaker:CreateModelPackageGroup", "sagemaker:DescribeModelPackageGroup"]
    found = ended(cloud, machine(cloud, "creates", actions, states, "Create"))
    assert found["status"] == "SUCCEEDED", found
    output = json.loads(found["output"])
    assert output["ModelPackageGroupName"] == "by-states" and output["ModelPackageGroupStatus"] == "Completed"
    assert output["CreationTime"].endswith("Z") and "nobody" in output["error"]["Cause"]
    job = {"Job": task("describeTrainingJob", missing, End=True)}
    found = ended(cloud, machine(cloud, "job", ["sagemaker:DescribeTrainingJob"], job, "Job"))
    assert (found["status"], found["error"]) == ("FAILED", "SageMaker.ResourceNotFoundException")


@pytest.mark.parametrize("actions", [["sagemaker:List*"]])
def test_a_task_may_do_what_the_state_machine_s_role_may(cloud: EmbeddedCloud, actions: list[str]) -> None:
    denied = {"Create": task("createModelPackageGroup", {"ModelPackageGroupName": "denied"}, End=True)}
    found = ended(cloud, machine(cloud, "denied", actions, denied, "Create"))
    assert (found["status"], found["error"]) == ("FAILED", "SageMaker.SageMakerException")
    assert "not authorized to perform: sagemaker:CreateModelPackageGroup" in found["cause"]
    listed = {"List": task("listModelPackageGroups", {"NameContains": "denied"}, End=True)}
    found = ended(cloud, machine(cloud, "listed", actions, listed, "List"))
    assert json.loads(found["output"]) == {"ModelPackageGroupSummaryList": []}


def test_an_action_that_sagemaker_does_not_have_fails_by_name(cloud: EmbeddedCloud) -> None:
    wrong = {"Wrong": task("createMiracle", {}, End=True)}
    found = ended(cloud, machine(cloud, "wrong", ["sagemaker:*"], wrong, "Wrong"))
    assert found["status"] == "FAILED" and "createMiracle" in found["cause"]


def test_one_skip_of_a_day_lets_an_hourly_loop_run_each_time(cloud: EmbeddedCloud) -> None:
    states = {
        "Wait": {"Type": "Wait", "Seconds": 3600, "Next": "Look"},
        "Look": task("listModels", {"MaxResults": 1}, ResultPath="$.models", Next="Wait"),
    }
    arn = machine(cloud, "hourly", ["sagemaker:ListModels"], states, "Wait")
    client = cloud.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
    cloud.control("advance", seconds=24 * 3600 + 60)
    told = client.describe_execution(executionArn=execution)
    assert told["status"] == "RUNNING", (told, client.get_execution_history(executionArn=execution)["events"][-2:])
    client.stop_execution(executionArn=execution)
    calls = cloud.control("calls")["calls"]
    assert [c["count"] for c in calls if (c["operation"], c["role"]) == ("ListModels", "hourly")] == [24]


def test_branches_that_wait_for_different_times_go_on_in_one_skip(cloud: EmbeddedCloud) -> None:
    wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}}}
    states = {"Each": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": wait, "End": True}}
    arn, client = machine(cloud, "branches", ["s3:GetObject"], states, "Each"), cloud.client("stepfunctions")
    given = json.dumps({"items": [{"seconds": seconds} for seconds in (60, 3600, 7200)]})
    execution = client.start_execution(stateMachineArn=arn, input=given)["executionArn"]
    time.sleep(1)  # a branch that begins to wait after the skip waits on, and no history tells of branches
    cloud.control("advance", seconds=3 * 3600)
    assert client.describe_execution(executionArn=execution)["status"] == "SUCCEEDED"
