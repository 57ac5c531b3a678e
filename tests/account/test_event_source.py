"""The loop between queue and function: what it makes of an answer."""

from itertools import count

import pytest
from event_source import EventSource
from stand_ins import client, moto


@pytest.fixture(scope="module")
def sqs():
    with moto() as endpoint:
        yield client("sqs", endpoint)


@pytest.mark.parametrize("partial", [True, False])
def test_what_comes_again_is_what_aws_says(sqs, partial):
    names = count()

    def again(*named: str, answer: object = None, failed: bool = False) -> list[bool]:
        """Whether the first and the second of two messages come again, after an answer that names some, or another one."""
        name = f"rules-{partial}-{next(names)}"
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        sent = {text: sqs.send_message(QueueUrl=queue, MessageBody=text)["MessageId"] for text in ("first", "second")}
        if named:
            answer = {"batchItemFailures": [{"itemIdentifier": sent.get(text, text)} for text in named]}
        mapping = {"EventSourceArn": f"arn:aws:sqs:us-east-1:123456789012:{name}", "BatchSize": 10}
        if partial:
            mapping["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
        events = []
        batch = EventSource(sqs, queue, mapping, lambda event: (events.append(event), (answer, failed))[1]).step()
        assert [record["body"] for record in events[0]["Records"]] == ["first", "second"]
        left = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
        assert batch.again == {message["MessageId"] for message in left}
        return [message in batch.again for message in sent.values()]

    assert again(failed=True) == [True, True]
    for nothing in (None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}):
        assert again(answer=nothing) == [False, False]
    # Without the setting at the mapping nobody reads the list, and the messages are gone.
    assert again("first") == [partial, False]
    # A message that is not of the batch, or none at all: nobody knows what failed.
    assert again("first", "other") == again("") == again(answer={"batchItemFailures": [{"id": "1"}]}) == [partial, partial]
