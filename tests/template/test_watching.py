"""Alarms and the dashboard use existing metrics."""

import json
import re

import pytest
from stack import ROOT, Stack, template

# Metrics of AWS services in use, with their dimension.
OF_AWS = {
    "AWS/SQS": ("QueueName", {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage", "NumberOfMessagesSent"}),
    "AWS/Lambda": (
        "FunctionName",
        {"Errors", "Throttles", "RecursiveInvocationsDropped", "AsyncEventsDropped", "DestinationDeliveryFailures",
         "Duration", "Invocations", "ConcurrentExecutions"},
    ),
    "AWS/Events": ("RuleName", {"InvocationsFailedToBeSentToDlq"}),
    "AWS/Firehose": (
        "DeliveryStreamName",
        {"DeliveryToS3.DataFreshness", "DeliveryToIceberg.DataFreshness", "FailedConversion.Records",
         "DeliveryToIceberg.FailedRowCount", "IncomingBytes", "ThrottledRecords"},
    ),
    "AWS/Logs": ("LogGroupName", {"IncomingBytes"}),
}
# The metrics that must have an alarm by default.
WANTED = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/Lambda", "RecursiveInvocationsDropped"),
    ("AlbIngest", "ObjectsFailed"),
    ("AlbIngest", "ObjectsFailedPermanently"),
    ("AlbIngest", "ObjectsCorrupt"),
    ("AlbIngest", "LedgerOutOfBalance"),
    ("AlbIngest", "LinesQuarantined"),
    ("AlbIngest", "Lines"),
    ("AlbIngest", "EventsWithUnknownFields"),
}


def known() -> dict[str, tuple[str, set[str]]]:
    """Returns the known metrics by namespace; those of the program come from the generated page."""
    page = (ROOT / "docs/reference/metrics.md").read_text()
    namespace, dimension = re.search(r"namespace `(\w+)`(?:,| and) one dimension, `(\w+)`", page).groups()
    own = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert len(own) > 10
    return OF_AWS | {namespace: (dimension, own)}


def watched(stack) -> list[tuple[str, str, str, str]]:
    """Returns the alarm, namespace, metric and dimension of every alarm of a stack."""
    found = []
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        metrics = [alarm] if "MetricName" in alarm else [
            part["MetricStat"]["Metric"] for part in alarm["Metrics"] if "MetricStat" in part
        ]
        for metric in metrics:
            (dimension,) = metric["Dimensions"]
            found.append((name, metric["Namespace"], metric["MetricName"], dimension["Name"]))
    return found


def test_alarms_use_known_metrics(stack):
    for name, namespace, metric, dimension in watched(stack):
        expected, names = known()[namespace]
        assert metric in names and dimension == expected, name


def test_the_defaults_have_all_required_alarms(stacks):
    assert {(namespace, metric) for _, namespace, metric, _ in watched(stacks["defaults"])} == WANTED
    assert ("AWS/Lambda", "AsyncEventsDropped") in {(row[1], row[2]) for row in watched(stacks["direct"])}
    of_merges = {("AlbIngest", "MembersFailed"), ("AlbIngest", "MergeLag")}
    assert {(row[1], row[2]) for row in watched(stacks["merged"])} >= WANTED | of_merges
    stream = {row[2] for row in watched(stacks["stream-iceberg"])}
    assert {"DeliveryToIceberg.DataFreshness", "DeliveryToIceberg.FailedRowCount", "ThrottledRecords"} <= stream


def test_alarms_have_a_description_and_notify_the_topics(stack):
    given = [stack.parameters["AlarmTopicArn"]] if stack.parameters["AlarmTopicArn"] else []
    made = [{"Ref": "AlarmTopic"}] if stack.parameters["AlarmEmail"] else []
    for name, alarm in stack.of_type("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmDescription"].endswith("."), name
        assert alarm["AlarmActions"] == alarm["OKActions"] == given + made, name
        assert alarm["TreatMissingData"] == "notBreaching", name
        # The policy of the topic allows the alarms of this stack by name.
        assert alarm["AlarmName"].startswith("alb-ingest-"), name


def names_in(widget: dict) -> list[tuple[str, str, str]]:
    """Returns the namespace, metric and dimension of each row of a widget; a dot repeats the value of the row above."""
    found, above = [], []
    for row in widget["properties"].get("metrics", []):
        if isinstance(row[0], dict):
            continue
        parts = [part for part in row if not isinstance(part, dict)]
        if parts == ["..."]:
            parts = above
        parts = [above[at] if part == "." else part for at, part in enumerate(parts)]
        above = parts
        found.append((parts[0], parts[1], parts[2]))
    return found


def test_the_dashboard_uses_known_metrics(stack):
    body = stack.properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    text = body if isinstance(body, str) else body[0]
    widgets = json.loads(text)["widgets"]
    shown = [name for widget in widgets for name in names_in(widget)]
    assert len(shown) > 20
    for namespace, metric, dimension in shown:
        expected, names = known()[namespace]
        assert metric in names and dimension == expected, (namespace, metric)
    own = {metric for namespace, metric, _ in shown if namespace == "AlbIngest"}
    assert {"Events", "Delay", "BytesIn", "BytesOut", "LinesQuarantined", "ObjectsFiltered"} <= own
    positions = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(set(positions)) == len(positions) and all(widget["x"] + widget["width"] <= 24 for widget in widgets)


def test_the_dashboard_shows_malformed_lines_by_reason(stacks):
    """The query of the dashboard parses the log line of the function, in which `malformed` is an object of counts."""
    body = stacks["defaults"].properties("Dashboard")["DashboardBody"]["Fn::Sub"][0]
    (log,) = [widget for widget in json.loads(body)["widgets"] if widget["type"] == "log"]
    pattern = re.search(r"parse @message /(.+?)/ \|", log["properties"]["query"])[1].replace("(?<", "(?P<")
    line = '{"LinesQuarantined":3,"malformed":{"not_a_time in time":1,"not_an_integer in target_status_code":2}}'
    assert re.search(pattern, line)["reasons"] == '"not_a_time in time":1,"not_an_integer in target_status_code":2'


@pytest.mark.parametrize("days", [1, 3653])
def test_logs_have_the_given_retention(days):
    stack = Stack(LogRetentionDays=days, Destination="NewStream", StreamDelivery="Json")
    assert [group["RetentionInDays"] for group in stack.of_type("AWS::Logs::LogGroup").values()] == [days, days]
    function = stack.properties("IngestFunction")
    assert function["LoggingConfig"]["LogGroup"] == {"Ref": "IngestLog"}
    assert function["LoggingConfig"]["LogFormat"] == "JSON"


def quiet_until(alarm: dict, failures: list[int]) -> int | None:
    """Minutes after the first failure at which an alarm on a sum has fired, at most; None if it never does.

    A period of an alarm ends up to its length after the failure, and a metric arrives up to two minutes later.
    """
    period, needed = alarm["Period"] // 60, int(alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]))
    window = int(alarm["EvaluationPeriods"]) * period
    for last in failures:
        # Two failures within one period are one datapoint.
        seen = {minute // period for minute in failures if last - window < minute <= last}
        if len(seen) >= needed:
            return last - failures[0] + period + 2
    return None


def documented_limits() -> dict[str, int]:
    """Minutes until the alarms of the page's table fire."""
    text = (ROOT / "docs/guide/deploy.md").read_text()
    rows = re.findall(r"^\| .+ \| `([a-z-]+)` \| (\d+) (minutes|hour) \|$", text, re.MULTILINE)
    return {name: int(number) * (60 if unit == "hour" else 1) for name, number, unit in rows}


@pytest.mark.parametrize("trigger", ["Queue", "Direct"])
@pytest.mark.parametrize("timeout", template()["Parameters"]["Timeout"]["AllowedValues"])
def test_a_single_object_that_fails_is_heard_of_in_time(timeout, trigger):
    """The object fails at every attempt: with a queue when its visibility ends, without one after one and two minutes."""
    stack = Stack(Timeout=timeout, Trigger=trigger)
    alarms = {
        alarm["AlarmName"].removeprefix("alb-ingest-"): alarm for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
    }
    limits = documented_limits()
    assert limits == {"failed-permanently": 10, "errors": 10, "objects-failed": 60}
    if trigger == "Queue":
        queue = stack.properties("ObjectQueue")
        visibility = int(queue["VisibilityTimeout"]) // 60
        failures = [attempt * visibility for attempt in range(queue["RedrivePolicy"]["maxReceiveCount"])]
        for name, limit in limits.items():
            assert quiet_until(alarms[name], failures) <= limit, name
            # It stays on between two failures: one message, not one for each attempt.
            assert int(alarms[name]["EvaluationPeriods"]) * alarms[name]["Period"] // 60 > visibility
        if timeout <= 300:
            assert quiet_until(alarms["objects-failed"], failures[:1]) is None, "a retry that succeeds wakes nobody"
    else:
        assert quiet_until(alarms["failed-permanently"], [0, 1, 3]) <= limits["failed-permanently"]
        # After the third attempt the event is in the dead-letter queue.
        assert quiet_until(alarms["dead-letters"], [3]) <= limits["objects-failed"]


def test_a_few_malformed_lines_wake_nobody(stacks):
    expression = stacks["defaults"].properties("MalformedAlarm")["Metrics"][0]["Expression"]
    assert re.fullmatch(r"IF\(malformed >= 10, 100 \* malformed / lines, 0\)", expression)
