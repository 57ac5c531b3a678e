"""The command line and the real function on moto's S3, a second implementation beside the one of the Rust tests."""

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


def test_a_bucket_gives_what_a_folder_gives(s3, endpoint, program, tmp_path):
    s3.create_bucket(Bucket="of-run")
    # The bucket's name is part of an object's identity: the folder has to stand for the same one.
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


@pytest.mark.parametrize("name", ["s3-several-records", "sqs-partial-failure", "eventbridge", "batch-1.0"])
def test_the_function_gives_what_replay_gives(name, s3, endpoint, program, bootstrap, tmp_path):
    bucket = f"of-{name}".replace(".", "-")
    s3.create_bucket(Bucket=bucket)
    settings = {"DESTINATION": f"s3://{bucket}", "PARTIAL_BATCH": "true"}
    runtime = Runtime(bootstrap, environment(endpoint) | settings)
    try:
        kind, answer = runtime.invoke((EVENTS / f"{name}.json").read_bytes())
    finally:
        runtime.stop()
    replay = [program, "replay", EVENTS / f"{name}.json", "--bucket-root", EVENTS, "--to", tmp_path, "--partial-batch=true"]
    done = subprocess.run(replay, capture_output=True, timeout=TIMEOUT_SECONDS)
    assert (kind, answer) == ("response", json.loads(done.stdout))
    written = files(s3, bucket)
    assert written == local(tmp_path)
    # The outputs are read from the bucket as users read them.
    filesystem = pyarrow.fs.S3FileSystem(
        access_key="test", secret_key="test", endpoint_override=endpoint, scheme="http", region="us-east-1"
    )
    for key in written:
        if key.endswith(".parquet"):
            table = pyarrow.parquet.read_table(f"{bucket}/{key}", filesystem=filesystem, partitioning=None)
            assert table.num_rows > 0
            assert set(table["source_bucket"].to_pylist()) == {"objects"}
