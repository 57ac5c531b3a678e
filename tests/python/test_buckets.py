"""Tests of the command line and the function on moto's S3, which is independent of the S3 server of the Rust tests."""

import json
import subprocess
from collections.abc import Iterator

import pyarrow.fs
import pyarrow.parquet
import pytest
from output import OBJECTS, ROOT
from stand_ins import TIMEOUT_SECONDS, Runtime, client, environment, files, local, moto

EVENTS = ROOT / "events"
KEYS = sorted(path.relative_to(OBJECTS).as_posix() for path in OBJECTS.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def s3(endpoint):
    """A client, with the sample objects in the bucket `objects`."""
    s3 = client("s3", endpoint)
    s3.create_bucket(Bucket="objects")
    for key in KEYS:
        s3.put_object(Bucket="objects", Key=key, Body=(OBJECTS / key).read_bytes())
    return s3


def test_a_bucket_gives_the_same_output_as_a_folder(s3, endpoint, program, tmp_path):
    s3.create_bucket(Bucket="of-run")
    # The name of the bucket is part of an object's identity, so the folder must represent the same bucket.
    payload = {"objects": [{"bucket": "objects", "key": key} for key in KEYS]}
    (tmp_path / "all.json").write_text(json.dumps(payload))
    replay = [program, "replay", tmp_path / "all.json", "--bucket-root", EVENTS, "--to", tmp_path / "out"]
    subprocess.run(replay, check=True, capture_output=True, timeout=TIMEOUT_SECONDS)
    for again in range(2):
        done = subprocess.run(
            [program, "run", "s3://objects", "--to", "s3://of-run/all", "--report", "json"],
            env=environment(endpoint),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
        )
        assert done.returncode == 0, done.stderr.decode()
        report = json.loads(done.stdout)
        assert (report["outputs"]["written"] == 0) == bool(again)
        assert files(s3, "of-run") == {f"all/{key}": body for key, body in local(tmp_path / "out").items()}


def test_a_report_of_a_bucket_has_the_figures_of_a_folder(s3, endpoint, program):
    def figures(place: object) -> dict:
        done = subprocess.run(
            [program, "report", place, "--format", "json", "--from", "2026-10-07"],
            env=environment(endpoint),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    of_bucket = figures("s3://objects")
    assert of_bucket == figures(OBJECTS) and of_bucket["read"]["events"] > 0


@pytest.mark.parametrize("name", ["s3-several-records", "sqs-partial-failure", "eventbridge", "batch-1.0"])
def test_the_function_gives_the_same_result_as_replay(name, s3, endpoint, program, bootstrap, tmp_path):
    bucket = f"of-{name}".replace(".", "-")
    s3.create_bucket(Bucket=bucket)
    settings = {"DESTINATION": f"s3://{bucket}", "PARTIAL_BATCH": "true"}
    runtime = Runtime(bootstrap, environment(endpoint) | settings)
    try:
        kind, response = runtime.invoke((EVENTS / f"{name}.json").read_bytes())
    finally:
        runtime.stop()
    replay = [program, "replay", EVENTS / f"{name}.json", "--bucket-root", EVENTS, "--to", tmp_path, "--partial-batch=true"]
    done = subprocess.run(replay, capture_output=True, timeout=TIMEOUT_SECONDS)
    assert (kind, response) == ("response", json.loads(done.stdout))
    written = files(s3, bucket)
    assert written == local(tmp_path)
    # Read the outputs from the bucket like users do.
    filesystem = pyarrow.fs.S3FileSystem(
        access_key="test", secret_key="test", endpoint_override=endpoint, scheme="http", region="us-east-1"
    )
    for key in written:
        if key.endswith(".parquet"):
            table = pyarrow.parquet.read_table(f"{bucket}/{key}", filesystem=filesystem, partitioning=None)
            assert table.num_rows > 0
            assert set(table["source_bucket"].to_pylist()) == {"objects"}
