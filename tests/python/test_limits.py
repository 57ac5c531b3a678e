"""The command line on a machine that refuses threads."""

import os
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from output import OBJECTS

NOBODY = 65534


@pytest.fixture
def folder():
    """A folder that another user may write to."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_a_machine_without_threads_only_makes_a_run_slower(program, folder):
    """The calling thread does the work alone if no other can be started."""
    shutil.copy(program, folder / "alb-ingest")
    shutil.copytree(OBJECTS, folder / "in")

    def one_process():
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

    # The limit does not apply to root.
    user = NOBODY if os.geteuid() == 0 else None
    outputs = {}
    for jobs in ("1", "40"):
        out = folder / f"out-{jobs}"
        done = subprocess.run(
            [folder / "alb-ingest", "run", folder / "in", "--to", out, "--jobs", jobs],
            user=user,
            preexec_fn=one_process if jobs == "40" else None,
            env={"TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0 and b"panicked" not in done.stderr, done.stderr.decode()
        files = sorted(path for path in out.rglob("*") if path.is_file())
        outputs[jobs] = {path.relative_to(out): path.read_bytes() for path in files}
    assert outputs["1"] == outputs["40"] and len(outputs["1"]) > 10
