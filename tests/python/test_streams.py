"""Events through moto's Firehose into moto's S3: the delivered events equal those of a file."""

import json
import subprocess

from output import OBJECTS
from stand_ins import TIMEOUT_SECONDS, client, environment, files
from test_buckets import endpoint, s3  # noqa: F401

ROLE = "arn:aws:iam::123456789012:role/delivery"


def test_a_stream_delivers_the_events_of_a_file(s3, endpoint, program, tmp_path):  # noqa: F811
    firehose = client("firehose", endpoint)
    s3.create_bucket(Bucket="delivered")
    firehose.create_delivery_stream(
        DeliveryStreamName="events",
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::delivered"},
    )

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [program, "run", OBJECTS, *arguments],
            env=environment(endpoint),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
        )
        assert done.returncode == 0, done.stderr.decode()

    run("--to", "firehose://events", "--quarantine", str(tmp_path / "quarantine"))
    run("--to", str(tmp_path / "out"), "--format", "json", "--compression", "none", "--quarantine", str(tmp_path / "q"))
    delivered = [json.loads(line) for body in files(s3, "delivered").values() for line in body.splitlines()]
    written = [json.loads(line) for path in (tmp_path / "out").rglob("*_log/**/*.json") for line in path.read_text().splitlines()]
    by_id = lambda event: event["event_id"]  # noqa: E731
    assert sorted(delivered, key=by_id) == sorted(written, key=by_id)
    assert len(delivered) > 2_000
    # Both runs have the same quarantine, which is never in the stream.
    quarantine = {path.name: path.read_bytes() for path in (tmp_path / "quarantine").rglob("*.json")}
    assert quarantine == {path.name: path.read_bytes() for path in (tmp_path / "q").rglob("*.json")} != {}
