"""Events reach their targets: transformed, late, twice, out of order, or as a dead letter."""

import io
import json
import time
import zipfile
from typing import Any

import pytest

from rehearsal.embedded import ACCOUNT, EmbeddedCloud

pytestmark = pytest.mark.slow


def group_and_package(cloud: EmbeddedCloud, name: str) -> str:
    """A new model package, which is what an event tells."""
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=name)
    return cloud.client("sagemaker").create_model_package(ModelPackageGroupName=name)["ModelPackageArn"]


def approve(cloud: EmbeddedCloud, package: str, status: str) -> None:
    cloud.client("sagemaker").update_model_package(ModelPackageArn=package, ModelApprovalStatus=status)


def test_an_event_that_comes_twice_is_the_same_event(cloud: EmbeddedCloud, bus: Any) -> None:
    url = bus.listen("twice", "model-package/twice/")
    with cloud.faults(events_twice=True):
        group_and_package(cloud, "twice")
    first, second = bus.received(url, 2)
    assert first == second
    group_and_package(cloud, "twice-not")
    assert bus.taken(url) == []


def test_a_late_event_comes_when_the_clock_says_so_and_tells_when_it_happened(cloud: EmbeddedCloud, bus: Any) -> None:
    url, package = bus.listen("late", "model-package/late/"), group_and_package(cloud, "late")
    [created] = bus.received(url, 1)
    with cloud.faults(events_late_seconds=600):
        approve(cloud, package, "Approved")
    cloud.control("advance", seconds=300)
    assert bus.taken(url) == []
    cloud.control("advance", seconds=301)
    [late] = bus.taken(url)  # at once: what is due is done when the clock has been moved
    assert late["detail"]["ModelApprovalStatus"] == "Approved"
    begun, told = (time.mktime(time.strptime(e["time"], "%Y-%m-%dT%H:%M:%SZ")) for e in (created, late))
    assert 0 <= told - begun < 60


def test_a_late_event_is_overtaken_by_a_later_one(cloud: EmbeddedCloud, bus: Any) -> None:
    url, package = bus.listen("overtaken", "model-package/overtaken/"), group_and_package(cloud, "overtaken")
    assert len(bus.received(url, 1)) == 1
    with cloud.faults(events_late_seconds=60):
        approve(cloud, package, "Approved")
    approve(cloud, package, "Rejected")
    cloud.control("advance", seconds=61)
    assert [e["detail"]["ModelApprovalStatus"] for e in bus.received(url, 2)] == ["Rejected", "Approved"]


def test_some_late_and_all_twice_change_order_and_lose_nothing(cloud: EmbeddedCloud, bus: Any) -> None:
    url, package = bus.listen("mixed", "model-package/mixed/"), group_and_package(cloud, "mixed")
    assert len(bus.received(url, 1)) == 1
    with cloud.faults(events_twice=True, events_late_seconds=60, events_late_share=0.5, seed=1):
        for number in range(20):
            approve(cloud, package, ("Approved", "Rejected")[number % 2])
    cloud.control("advance", seconds=61)
    found = [event["id"] for event in bus.received(url, 40)]
    assert {found.count(identity) for identity in found} == {2}
    assert [found[i] for i in range(0, 40, 2)] != [found[i] for i in range(1, 40, 2)]


LAMBDA_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def make_function(cloud: EmbeddedCloud, bus: Any, name: str, source: str) -> tuple[str, str]:
    """A function: its ARN, and the URL of its dead letters."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": [LAMBDA_TRUST]})
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    url, letters = bus.queue(f"{name}-letters")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", source)
    made = cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        DeadLetterConfig={"TargetArn": letters},
    )
    return made["FunctionArn"], url


FAILS = "def handler(event, context):\n    raise ValueError('as ever')\n"


def test_an_event_whose_function_always_fails_becomes_a_dead_letter_as_it_was(cloud: EmbeddedCloud, bus: Any) -> None:
    arn, url = make_function(cloud, bus, "failing", FAILS)
    cloud.client("events").put_rule(Name="failing", EventPattern=json.dumps({"source": ["test.failing"]}))
    cloud.client("events").put_targets(Rule="failing", Targets=[{"Id": "function", "Arn": arn}])
    entry = {"Source": "test.failing", "DetailType": "Test", "Detail": json.dumps({"number": 7})}
    cloud.client("events").put_events(Entries=[entry])
    [letter] = bus.received(url, 1)
    assert (letter["source"], letter["detail"]) == ("test.failing", {"number": 7})


def test_an_event_that_comes_twice_invokes_its_function_twice(cloud: EmbeddedCloud, bus: Any) -> None:
    arn, url = make_function(cloud, bus, "invoked-twice", FAILS)
    bus.send("invoked-twice", ["model-package/invoked-twice/"], Arn=arn)
    with cloud.faults(events_twice=True):
        group_and_package(cloud, "invoked-twice")
    first, second = bus.received(url, 2)
    assert first == second
    assert first["detail-type"] == "SageMaker Model Package State Change"


def test_an_event_of_aws_cannot_be_sent_from_outside(cloud: EmbeddedCloud) -> None:
    entry = {"Source": "aws.sagemaker", "DetailType": "SageMaker Endpoint State Change", "Detail": "{}"}
    answer = cloud.client("events").put_events(Entries=[entry])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"


TRANSFORMER = {
    "InputPathsMap": {"group": "$.detail.ModelPackageGroupName", "version": "$.detail.ModelPackageVersion"},
    "InputTemplate": '{"text": "version <version> of <group>", "version": <version>}',
}


def test_a_topic_and_a_state_machine_get_what_the_transformer_writes(cloud: EmbeddedCloud, bus: Any, role: str) -> None:
    url, arn = bus.queue("transformed")
    topic = cloud.client("sns").create_topic(Name="transformed")["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
    states = cloud.client("stepfunctions")
    machine = states.create_state_machine(
        name="transformed",
        definition=json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}),
        roleArn=role,
    )["stateMachineArn"]
    bus.send("to-topic", ["model-package/transformed/"], Arn=topic, InputTransformer=TRANSFORMER)
    bus.send("to-machine", ["model-package/transformed/"], Arn=machine, InputTransformer=TRANSFORMER, RoleArn=role)
    group_and_package(cloud, "transformed")
    wanted = {"text": "version 1 of transformed", "version": 1}
    assert bus.received(url, 1) == [wanted]
    deadline = time.monotonic() + 20
    while not (ran := states.list_executions(stateMachineArn=machine)["executions"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert json.loads(states.describe_execution(executionArn=ran[0]["executionArn"])["input"]) == wanted


@pytest.mark.parametrize("service", ["lambda", "sqs", "sns", "states"])
def test_an_event_whose_target_is_gone_goes_to_the_targets_dead_letter_queue(
    cloud: EmbeddedCloud, bus: Any, role: str, service: str
) -> None:
    name = f"gone-{service}"
    gone = {"lambda": "function:", "states": "stateMachine:"}.get(service, "") + name
    target = f"arn:aws:{service}:us-east-1:{ACCOUNT}:{gone}"
    url, letters = bus.queue(name + "-letters")
    more = {"RoleArn": role} if service == "states" else {}
    bus.send(name, [f"model-package/{name}/"], Arn=target, DeadLetterConfig={"Arn": letters}, **more)
    package = group_and_package(cloud, name)
    answer = cloud.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=10, MessageAttributeNames=["All"])
    [letter] = answer["Messages"]
    assert json.loads(letter["Body"])["resources"] == [package]
    told = {key: value["StringValue"] for key, value in letter["MessageAttributes"].items()}
    assert told["TARGET_ARN"] == target
    assert told["RULE_ARN"] == f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{name}"
    assert told["ERROR_CODE"] and name in told["ERROR_MESSAGE"]
