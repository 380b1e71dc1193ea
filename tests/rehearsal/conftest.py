"""One embedded cloud for all tests of this folder, with a role that SageMaker may take."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal.embedded import ACCOUNT, EmbeddedCloud

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"},
    ],
}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud("us-east-1", tmp_path_factory.mktemp("cloud")) as running:
        running.start()
        yield running


@pytest.fixture(scope="session")
def make_role(cloud: EmbeddedCloud) -> Callable[[str, list[dict[str, Any]]], str]:
    """Makes a role with one inline policy, trusted by SageMaker and by the account; gives its ARN."""

    def make(name: str, statements: list[dict[str, Any]]) -> str:
        iam = cloud.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(
            RoleName=name,
            PolicyName="own",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )
        return arn

    return make


@pytest.fixture(scope="session")
def role(make_role: Callable[[str, list[dict[str, Any]]], str]) -> str:
    """A role that may do everything, for tests about something else than permissions."""
    return make_role("everything", [{"Effect": "Allow", "Action": "*", "Resource": "*"}])


class Bus:
    """The default event bus with queues that listen to it."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self._cloud, self._sqs = cloud, cloud.client("sqs")
        self._prefix = f"arn:aws:sagemaker:{cloud.region}:{ACCOUNT}:"

    def queue(self, name: str) -> tuple[str, str]:
        """The URL and the ARN of a new queue, to which any service of AWS may send."""
        url = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        asked = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = asked["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    def send(self, name: str, resources: list[str], **target: Any) -> None:
        """Have a rule send SageMaker's events about resources with these prefixes to a target."""
        events, wanted = self._cloud.client("events"), [{"prefix": self._prefix + resource} for resource in resources]
        events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"], "resources": wanted}))
        assert events.put_targets(Rule=name, Targets=[{"Id": "only", **target}])["FailedEntryCount"] == 0

    def listen(self, name: str, *resources: str) -> str:
        """The URL of a queue that gets SageMaker's events about resources with these prefixes."""
        url, arn = self.queue(name)
        self.send(name, list(resources), Arn=arn)
        return url

    def taken(self, url: str) -> list[Any]:
        """What is in a queue now, in its order, each message once."""
        found: list[Any] = []
        while messages := self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def received(self, url: str, count: int) -> list[Any]:
        """The messages that come until there are so many."""
        found: list[Any] = []
        deadline = time.monotonic() + 30
        while len(found) < count:
            assert time.monotonic() < deadline, found
            found += self.taken(url)
            time.sleep(0.05)
        return found


@pytest.fixture(scope="session")
def bus(cloud: EmbeddedCloud) -> Bus:
    return Bus(cloud)
