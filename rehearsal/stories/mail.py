"""What the platform mails to people, as far as a story looks."""

import json
from collections.abc import Iterator

from rehearsal.embedded import EmbeddedCloud


class Mailbox:
    """A queue that gets what `topic` mails, from now on."""

    def __init__(self, cloud: EmbeddedCloud, topic: str) -> None:
        self._sqs = sqs = cloud.client("sqs")
        self._queue = sqs.create_queue(QueueName="mail")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": policy})
        cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def letters(self) -> Iterator[tuple[str, str]]:
        """Subject and text of what has come; each is shown once."""
        while found := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in found:
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                letter = json.loads(message["Body"])
                yield letter["Subject"], letter["Message"]

    def close(self) -> None:
        self._sqs.delete_queue(QueueUrl=self._queue)
