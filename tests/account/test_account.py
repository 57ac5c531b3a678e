"""End-to-end tests of an installation: from `aws s3 cp` of logs through notification, queue and function to query results.

moto provides the account, with the resources of the translated template; the real function runs in the emulator of the Lambda
runtime; DuckDB takes the place of Athena.
"""

import gzip
import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from urllib.parse import unquote_plus

import duckdb
import pytest
from output import OBJECTS
from story import CHOICES, CORRUPT, FAILING, EVENTS, GONE, LOG, OUTSIDE, PAGE, Story, tell
from tables import saved

KEYS = {path.relative_to(OBJECTS).as_posix() for path in OBJECTS.rglob("*") if path.is_file()} | {CORRUPT, *FAILING}
# DuckDB types by Glue type.
TYPES = {
    "string": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT", "double": "DOUBLE",
    "timestamp": "TIMESTAMP WITH TIME ZONE", "array<string>": "VARCHAR[]",
}  # fmt: skip
TEST_EVENT = "s3:TestEvent"


@pytest.fixture(params=CHOICES, scope="module")
def choice(request) -> str:
    """A value of the parameter LogSource."""
    return request.param


@pytest.fixture(scope="module")
def story(choice, stacks, emulator, bootstrap, program, tmp_path_factory):
    """The events of the day in the account."""
    folder = tmp_path_factory.mktemp("account")
    yield from tell(stacks[choice], emulator, bootstrap, program, folder)


@pytest.fixture(scope="module")
def database(story, tmp_path_factory):
    """A DuckDB database with the tables of Glue, over a copy of the events bucket."""
    folder = tmp_path_factory.mktemp("bucket")
    for key, body in story.final.items():
        (folder / EVENTS / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / EVENTS / key).write_bytes(body)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        for table in story.account.tables():
            place = template_of(table).removeprefix("s3://").replace("${date}", "*")
            # In Athena the partition column is text.
            rows = f"read_parquet('{folder}/{place}*', hive_partitioning = true, hive_types_autocast = false)"
            connection.execute(f"create view {table['Name']} as select * from {rows}")
        rows = f"read_json('{folder}/{EVENTS}/_quarantine/**/*.json', hive_partitioning = false)"
        connection.execute(f"create view quarantine as select * from {rows}")
        yield connection


def template_of(table: dict) -> str:
    """Returns the template of the locations of a table's partitions."""
    return table["Parameters"]["storage.location.template"]


def object_of(message: dict) -> str:
    """Returns the key of the object that a message is about, for any of the three message formats."""
    body = json.loads(message["Body"])
    if "Message" in body:
        body = json.loads(body["Message"])
    if body.get("Event") == TEST_EVENT:
        return TEST_EVENT
    if "detail" in body:
        return body["detail"]["object"]["key"]
    (record,) = body["Records"]
    return unquote_plus(record["s3"]["object"]["key"])


def outputs(story: Story) -> list[str]:
    """Returns the keys of the outputs, without the file of the destination's layout."""
    assert "_alb-ingest.json" in story.final
    return [key for key in story.final if key != "_alb-ingest.json"]


def counts(story: Story) -> dict[str, dict[str, int]]:
    """Returns the ledger of each object, from the metadata of its outputs."""
    found: dict[str, dict[str, int]] = {}
    for key in outputs(story):
        metadata = story.account.s3.head_object(Bucket=EVENTS, Key=key)["Metadata"]
        ledger = {name: int(metadata[name]) for name in ("lines", "events", "quarantined", "skipped")}
        assert found.setdefault(metadata["source-key"], ledger) == ledger
    return found


def is_of(key: str, sources: set[str]) -> bool:
    """Returns whether an output comes from one of these objects."""
    return any(Path(source).name.removesuffix(".log.gz") in key for source in sources)


def test_each_object_causes_one_notification(story, choice):
    """Objects outside the prefix cause none."""
    first = {message["MessageId"]: object_of(message) for batch in story.arrival for message in batch.messages}
    # EventBridge's pattern also requires the folder of the service.
    wanted = {key for key in KEYS if choice != "existing-bucket" or "/elasticloadbalancing/" in key}
    wanted |= {TEST_EVENT} if choice == "new-bucket" else set()
    assert Counter(first.values()) == Counter(wanted)
    assert OUTSIDE not in wanted and not [key for key in story.final if is_of(key, {OUTSIDE})]


def test_the_function_receives_full_batches_and_never_fails(story):
    size = story.account.properties("QueueMapping")["BatchSize"]
    batches = story.arrival + story.redrive + story.replay
    assert len(story.arrival[0].messages) == size > 1
    assert all(len(batch.messages) <= size and not batch.failed for batch in batches)


def test_only_failing_objects_become_dead_letters(story):
    """Each of them is tried as often as the redrive policy allows; other messages of the same batches are processed once."""
    max_receives = story.account.properties("ObjectQueue")["RedrivePolicy"]["maxReceiveCount"]
    tried: dict[str, list[int]] = {}
    for batch in story.arrival:
        for message in batch.messages:
            tried.setdefault(object_of(message), []).append(int(message["Attributes"]["ApproximateReceiveCount"]))
    assert tried.keys() > FAILING
    for key, times in tried.items():
        assert times == (list(range(1, max_receives + 1)) if key in FAILING else [1]), key
    assert Counter(map(object_of, story.dead)) == Counter(FAILING)
    for key, why in ((GONE, "404"), (PAGE, "fit no log type")):
        errors = [line for line in story.log.splitlines() if '"ERROR"' in line and key in line]
        assert len(errors) == max_receives and all(why in line for line in errors)


def test_good_objects_in_a_batch_with_failing_ones_are_written(story):
    assert story.arrived == {key: body for key, body in story.expected.items() if not is_of(key, FAILING)}
    assert len(story.arrived) < len(story.expected)


def test_fixing_and_redriving_loses_and_duplicates_nothing(story):
    """Notifications of the new objects, redriven dead letters and a manual replay: two or three per object, but one output."""
    assert Counter(object_of(message) for batch in story.redrive for message in batch.messages) == {GONE: 2, PAGE: 2}
    assert Counter(object_of(message) for batch in story.replay for message in batch.messages) == {GONE: 1, CORRUPT: 1}
    assert not any(batch.retried for batch in story.redrive + story.replay)
    assert story.final == story.expected
    for name in ("ObjectQueue", "DeadLetters"):
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        left = story.account.sqs.get_queue_attributes(QueueUrl=story.account.queue(name), AttributeNames=asked)
        assert set(left["Attributes"].values()) == {"0"}, name


def test_files_are_in_the_partitions_of_the_tables(story):
    """Every file of events is in exactly one projected partition; quarantine files are in none."""
    partitions = []
    for table in story.account.tables():
        settings = table["Parameters"]
        assert settings["projection.date.format"] == "yyyy-MM-dd"
        first, last = settings["projection.date.range"].split(",")
        place = re.escape(template_of(table)).replace(re.escape("${date}"), r"(\d{4}-\d\d-\d\d)") + "[^/]+"
        assert last == "NOW"
        partitions.append((re.compile(place), date.fromisoformat(first)))
    for key in outputs(story):
        found = [(match, first) for place, first in partitions if (match := place.fullmatch(f"s3://{EVENTS}/{key}"))]
        assert len(found) == (0 if key.startswith("_quarantine/") else 1), key
        assert all(date.fromisoformat(match[1]) >= first for match, first in found)


def test_tables_have_the_columns_declared_in_glue(story, database):
    for table in story.account.tables():
        declared = table["StorageDescriptor"]["Columns"] + table["PartitionKeys"]
        found = database.execute(f"describe {table['Name']}").fetchall()
        assert [(name, kind) for name, kind, *_ in found] == [(column["Name"], TYPES[column["Type"]]) for column in declared]


def test_the_tables_agree_with_the_ledgers(story, database):
    """Lines = events + quarantined + skipped, as counted in the logs, the ledgers, the tables and the metrics."""
    ledgers = counts(story)
    for key, ledger in ledgers.items():
        assert ledger["lines"] == ledger["events"] + ledger["quarantined"] + ledger["skipped"]
        if key != CORRUPT:
            raw = LOG if key in FAILING else (OBJECTS / key).read_bytes()
            text = gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
            assert ledger["lines"] == text.count(b"\n"), key
    names = [table["Name"] for table in story.account.tables()]
    rows = " union all ".join(f"select event_id, source_key from {name}" for name in names)
    found = dict(database.execute(f"select source_key, count(distinct event_id) from ({rows}) group by 1").fetchall())
    assert found == {key: ledger["events"] for key, ledger in ledgers.items()}
    assert database.execute(f"select count(*) from ({rows})").fetchone() == (sum(found.values()),)
    assert all(database.execute(f"select count(*) from {name}").fetchone() > (0,) for name in names)
    malformed = dict(database.execute("select source_key, count(*) from quarantine group by 1").fetchall())
    assert malformed == {key: ledger["quarantined"] for key, ledger in ledgers.items() if ledger["quarantined"]}
    assert malformed[CORRUPT] == 1

    arrived = [ledger for key, ledger in ledgers.items() if key not in FAILING]
    metrics = Counter()
    for line in story.metrics:
        metrics.update({name: value for name, value in line.items() if isinstance(value, int)})
    names = {"Lines": "lines", "Events": "events", "LinesQuarantined": "quarantined", "LinesSkipped": "skipped"}
    for metric, name in names.items():
        assert metrics[metric] == sum(ledger[name] for ledger in arrived)
    assert (metrics["ObjectsIngested"], metrics["ObjectsCorrupt"], metrics["LedgerOutOfBalance"]) == (len(arrived), 1, 0)
    assert metrics["ObjectsFailed"] == sum(len(batch.retried) for batch in story.arrival)


def test_the_saved_queries_return_rows(story, database):
    queries = {query["Name"]: query["QueryString"] for query in story.account.saved_queries()}
    answers = {}
    for name, sql in queries.items():
        (table,) = set(re.findall(r"from (\w+_log)\b", sql))
        (day,) = database.execute(f"select max(date) from {table}").fetchone()
        answers[name] = saved(database, sql, day)
        assert answers[name], name
    # The current date is the day after the last one, and the query starts at the day before.
    (requests,) = database.execute("select count(*) from alb_access_log where date = '2026-10-07'").fetchone()
    assert sum(row["requests"] for row in answers["traffic-by-minute"]) == requests > 0
