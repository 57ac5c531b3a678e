"""Tests of the event source mapping: which messages are retried after a response."""

from itertools import count

import pytest
from event_source import EventSource
from stand_ins import client, moto


@pytest.fixture(scope="module")
def sqs():
    with moto() as endpoint:
        yield client("sqs", endpoint)


@pytest.mark.parametrize("partial", [True, False])
def test_messages_are_retried_as_documented_by_aws(sqs, partial):
    names = count()

    def retried(*named: str, response: object = None, failed: bool = False) -> list[bool]:
        """Returns whether each of two messages is retried, after a response that names some, or after the given response."""
        name = f"rules-{partial}-{next(names)}"
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        sent = {text: sqs.send_message(QueueUrl=queue, MessageBody=text)["MessageId"] for text in ("first", "second")}
        if named:
            response = {"batchItemFailures": [{"itemIdentifier": sent.get(text, text)} for text in named]}
        mapping = {"EventSourceArn": f"arn:aws:sqs:us-east-1:123456789012:{name}", "BatchSize": 10}
        if partial:
            mapping["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
        events = []
        batch = EventSource(sqs, queue, mapping, lambda event: (events.append(event), (response, failed))[1]).step()
        assert [record["body"] for record in events[0]["Records"]] == ["first", "second"]
        left = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
        assert batch.retried == {message["MessageId"] for message in left}
        return [message in batch.retried for message in sent.values()]

    assert retried(failed=True) == [True, True]
    for nothing in (None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}):
        assert retried(response=nothing) == [False, False]
    # Without ReportBatchItemFailures the list is ignored, and the messages are deleted.
    assert retried("first") == [partial, False]
    # The ID of a message outside the batch, or no ID: Lambda treats the whole batch as failed.
    assert retried("first", "other") == retried("") == retried(response={"batchItemFailures": [{"id": "1"}]}) == [partial, partial]
