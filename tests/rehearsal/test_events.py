"""Events reach functions as in AWS: more than once if need be, and never nowhere."""

import io
import json
import time
import zipfile
from typing import Any

from rehearsal.embedded import EmbeddedCloud

LAMBDA_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def deploy(cloud: EmbeddedCloud, name: str, source: str) -> str:
    """A function with a rule that brings it every event of the source `test.<name>`; the URL of its dead letters."""
    iam, functions, events = cloud.client("iam"), cloud.client("lambda"), cloud.client("events")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [LAMBDA_TRUST]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    letters = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", source)
    arn = functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        DeadLetterConfig={"TargetArn": letters},
    )["FunctionArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [f"test.{name}"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "function", "Arn": arn}])
    return url


def letters(cloud: EmbeddedCloud, url: str) -> list[Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = cloud.client("sqs").receive_message(QueueUrl=url).get("Messages", [])
        if found:
            return [json.loads(message["Body"]) for message in found]
        time.sleep(0.1)
    return []


def test_an_event_whose_function_always_fails_becomes_a_dead_letter(cloud: EmbeddedCloud) -> None:
    url = deploy(cloud, "failing", "def handler(event, context):\n    raise ValueError('as ever')\n")
    entry = {"Source": "test.failing", "DetailType": "Test", "Detail": json.dumps({"number": 7})}
    cloud.client("events").put_events(Entries=[entry])
    [letter] = letters(cloud, url)
    assert "7" in json.dumps(letter)


def test_an_event_of_aws_cannot_be_sent_from_outside(cloud: EmbeddedCloud) -> None:
    entry = {"Source": "aws.sagemaker", "DetailType": "SageMaker Endpoint State Change", "Detail": "{}"}
    answer = cloud.client("events").put_events(Entries=[entry])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
