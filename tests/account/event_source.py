"""What Lambda does between a queue and a function, one batch at a time.

The rules are AWS's: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html. Two things differ: batches
come one after the other, and a message that failed is made visible at once (ChangeMessageVisibility), so that no test waits
for the half hour of the queue's own visibility.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Batch:
    """One invocation: what was received, what the function said, and which messages come again."""

    messages: list[dict]
    answer: object
    failed: bool
    again: set[str]


class EventSource:
    """The mapping of a queue to a function, which is given as what makes an answer and whether it is an error of an event."""

    def __init__(self, sqs, queue: str, mapping: dict, invoke: Callable[[dict], tuple[object, bool]]) -> None:
        """`mapping` holds the properties of `AWS::Lambda::EventSourceMapping`, the references in it resolved."""
        self._sqs, self._queue, self._invoke = sqs, queue, invoke
        self._arn, self._size = mapping["EventSourceArn"], mapping["BatchSize"]
        self._partial = "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", [])

    def drain(self, most: int = 100) -> list[Batch]:
        """Batches until the queue shows no message. More than `most` are a loop without an end."""
        batches = []
        while batch := self.step():
            batches.append(batch)
            assert len(batches) <= most, "messages come again and again"
        return batches

    def step(self) -> Batch | None:
        """One batch; nothing where no message is visible."""
        received = self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=self._size, WaitTimeSeconds=0,
            MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"],
        )  # fmt: skip
        messages = received.get("Messages", [])
        if not messages:
            return None
        answer, failed = self._invoke({"Records": [self._record(message) for message in messages]})
        again = self._again({message["MessageId"] for message in messages}, answer, failed)
        for message in messages:
            name = {"QueueUrl": self._queue, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] in again:
                self._sqs.change_message_visibility(**name, VisibilityTimeout=0)
            else:
                self._sqs.delete_message(**name)
        return Batch(messages, answer, failed, again)

    def _record(self, message: dict) -> dict:
        """A message as a function sees it."""
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
            "messageAttributes": message.get("MessageAttributes", {}),
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self._arn,
            "awsRegion": self._arn.split(":")[3],
        }

    def _again(self, sent: set[str], answer: object, failed: bool) -> set[str]:
        """Which messages stay in the queue."""
        if failed:
            return sent
        if not self._partial or answer is None:
            return set()
        # An answer without the list, or with an empty one, is success; one that cannot be understood fails the whole batch.
        if not isinstance(answer, dict):
            return sent
        items = answer.get("batchItemFailures") or []
        named = {item.get("itemIdentifier") if isinstance(item, dict) else None for item in items}
        return named if named <= sent else sent
