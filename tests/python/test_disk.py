"""The command line on a disk that is full or read-only. `scripts/limits.py` fills disks at many more sizes.

Disks are file systems in memory, which only root may mount. Otherwise a limit on the size of files takes their place, and the
tests that need a read-only disk or one that counts every file are skipped.
"""

from pathlib import Path

import pytest
from confinement import can_mount, disk
from disks import SCENARIOS, check_failure, fill, generate, outputs, reference, run, sizes

needs_mounts = pytest.mark.skipif(not can_mount(), reason="this user or machine cannot mount a file system")


@pytest.fixture(scope="module")
def objects(program, tmp_path_factory) -> Path:
    return generate(program, tmp_path_factory.mktemp("objects"))


@pytest.mark.parametrize("scenario", [scenario for scenario in SCENARIOS if scenario.name != "hours"], ids=lambda scenario: scenario.name)
def test_a_disk_that_fills_up_loses_nothing(scenario, program, objects, tmp_path):
    wanted = reference(program, scenario, objects, tmp_path)
    failures = 0
    for number, kibibytes in enumerate(sizes(wanted, 3)):
        with disk(tmp_path / str(number) / "disk", kibibytes) as small:
            failures += fill(program, scenario, objects, small, wanted)
    assert failures >= 2


@needs_mounts
@pytest.mark.parametrize("number", [1, 6])
def test_a_disk_without_room_for_another_file_loses_nothing(number, program, objects, tmp_path):
    wanted = reference(program, SCENARIOS[0], objects, tmp_path)
    with disk(tmp_path / "disk", 64 * 1024, files=number) as small:
        assert fill(program, SCENARIOS[0], objects, small, wanted)


@needs_mounts
def test_a_read_only_disk_is_an_error_that_names_it(program, objects, tmp_path):
    arguments = SCENARIOS[0].arguments
    wanted = reference(program, SCENARIOS[0], objects, tmp_path)
    with disk(tmp_path / "disk", 64 * 1024) as small:
        small.make_read_only()
        done = run(program, arguments(objects, small.path))
        check_failure(done, ("Read-only file system",))
        small.make_writable()
        assert run(program, arguments(objects, small.path)).returncode == 0
        # Nothing is written, so nothing can fail but what asks for a place.
        small.make_read_only()
        check_failure(run(program, arguments(objects, small.path)), ("Read-only file system",))
        assert outputs(small.path) == wanted


def test_a_full_directory_for_temporary_files_is_named(program, objects, tmp_path):
    """Events for stdout are gathered there, and stdout has none of an object that fails."""
    big = generate(program, tmp_path / "big", 3000)
    with disk(tmp_path / "disk", 64) as small:
        done = run(program, ["run", big, "--to", "-", "--quarantine", tmp_path / "q"], *small.launcher, folder=small.path)
        assert done.returncode == 1 and b"directory for temporary files" in done.stderr and b"TMPDIR" in done.stderr
        assert done.stdout == b"" or done.stdout.endswith(b"\n")
        assert not list(small.path.iterdir())
        if small.mounted:
            small.make_read_only()
            done = run(program, ["run", big, "--to", "-", "--quarantine", tmp_path / "q"], folder=small.path)
            assert done.returncode == 1 and b"Read-only file system" in done.stderr
        # Outputs of a folder need no other one.
        done = run(program, ["run", objects, "--to", tmp_path / "out"], folder=small.path)
        assert done.returncode == 0, done.stderr.decode()


def test_stdout_on_a_full_disk_is_cut_once_and_is_an_error(program, objects, tmp_path):
    arguments = ["run", objects, "--to", "-", "--quarantine", tmp_path / "q"]
    whole = run(program, arguments).stdout
    with disk(tmp_path / "disk", 256) as small:
        path = small.path / "events.json"
        with path.open("wb") as file:
            done = run(program, arguments, *small.launcher, stdout=file)
        check_failure(done)
        assert whole.startswith(path.read_bytes()), "an event after the cut"
        small.grow()
        with path.open("wb") as file:
            assert run(program, arguments, stdout=file).returncode == 0
        assert path.read_bytes() == whole


@pytest.mark.parametrize("settings", [[], ["--report", "json"], ["--merge"]], ids=["text", "json", "merged"])
def test_a_report_on_a_full_disk_is_an_error(settings, program, objects, tmp_path):
    with open("/dev/full", "wb") as full:
        done = run(program, ["run", objects, "--to", tmp_path / "out", *settings], stdout=full)
        check_failure(done)
        assert b"cannot write to stdout: " in done.stderr
        done = run(program, ["audit", objects, tmp_path / "out", *settings[:2 * ("--report" in settings)]], stdout=full)
        check_failure(done)
    # The outputs are whole nevertheless.
    done = run(program, ["audit", objects, tmp_path / "out", "--deep"])
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize(
    "arguments",
    [["audit", "IN", "OUT", "--repair"], ["backfill", "IN", "OUT", "--manifest"]],
    ids=["repair", "manifest"],
)
def test_a_file_of_payloads_has_its_name_only_when_it_is_whole(arguments, program, tmp_path):
    """A part of it would repair a part, and would be in the way of the next attempt."""
    folder = tmp_path / "in"
    folder.mkdir()
    line = "http 2026-10-07T12:44:59.875678Z 0.019584011 192.0.2.97:80 targets PASS 200 {}\n"
    for number in range(300):
        (folder / f"{'long name ' * 20}{number}.log").write_text(line.format(number))
    names = {"IN": folder, "OUT": tmp_path / "nothing"}
    with disk(tmp_path / "disk", 16) as small:
        path = small.path / "file"
        command = [*(names.get(argument, argument) for argument in arguments), path]
        check_failure(run(program, command, *small.launcher))
        assert not list(small.path.iterdir())
        if small.mounted:
            small.make_read_only()
            check_failure(run(program, command), ("Read-only file system",))
            small.make_writable()
        small.grow()
        done = run(program, command)
        assert done.returncode == (1 if "audit" in arguments else 0), done.stderr.decode()
        assert path.read_text().count("long") == 300 * 20
        assert [found.name for found in small.path.iterdir()] == ["file"]
        whole = path.read_bytes()
        done = run(program, command)
        assert done.returncode == 2 and b"exists already" in done.stderr and path.read_bytes() == whole
