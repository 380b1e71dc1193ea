"""The default event bus with queues that listen to it."""

import json
import time
from typing import Any

from rehearsal.embedded import ACCOUNT, EmbeddedCloud


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
