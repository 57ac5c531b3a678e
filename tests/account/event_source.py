"""An event source mapping: Lambda's polling of a queue, one batch at a time.

It follows AWS's rules, https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html, with two differences:
batches are processed one after the other, and a failed message becomes visible immediately (ChangeMessageVisibility), so tests
need not wait for the visibility timeout of half an hour.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Batch:
    """An invocation: the received messages, the response, and the IDs of the messages that are retried."""

    messages: list[dict]
    response: object
    failed: bool
    retried: set[str]


class EventSource:
    """The mapping of a queue to a function. `invoke` takes an event and returns the response and whether the function failed."""

    def __init__(self, sqs, queue: str, mapping: dict, invoke: Callable[[dict], tuple[object, bool]]) -> None:
        """`mapping` has the properties of an `AWS::Lambda::EventSourceMapping`, with resolved references."""
        self._sqs, self._queue, self._invoke = sqs, queue, invoke
        self._arn, self._size = mapping["EventSourceArn"], mapping["BatchSize"]
        self._partial = "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", [])

    def drain(self, max_batches: int = 100) -> list[Batch]:
        """Processes batches until the queue has no visible message. More than `max_batches` indicate an endless loop."""
        batches = []
        while batch := self.step():
            batches.append(batch)
            assert len(batches) <= max_batches, "messages are retried without end"
        return batches

    def step(self) -> Batch | None:
        """Processes one batch; returns None if no message is visible."""
        received = self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=self._size, WaitTimeSeconds=0,
            MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"],
        )  # fmt: skip
        messages = received.get("Messages", [])
        if not messages:
            return None
        response, failed = self._invoke({"Records": [self._record(message) for message in messages]})
        retried = self._retried({message["MessageId"] for message in messages}, response, failed)
        for message in messages:
            name = {"QueueUrl": self._queue, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] in retried:
                self._sqs.change_message_visibility(**name, VisibilityTimeout=0)
            else:
                self._sqs.delete_message(**name)
        return Batch(messages, response, failed, retried)

    def _record(self, message: dict) -> dict:
        """Returns a message as the function receives it."""
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

    def _retried(self, sent: set[str], response: object, failed: bool) -> set[str]:
        """Returns the IDs of the messages that stay in the queue."""
        if failed:
            return sent
        if not self._partial or response is None:
            return set()
        # A response without a list, or with an empty one, is a success; an invalid response fails the whole batch.
        if not isinstance(response, dict):
            return sent
        items = response.get("batchItemFailures") or []
        named = {item.get("itemIdentifier") if isinstance(item, dict) else None for item in items}
        return named if named <= sent else sent
