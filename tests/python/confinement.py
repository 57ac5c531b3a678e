"""Little memory, a share of a processor and small disks for programs under test.

Memory and processor time are limited by a control group (version 1 or 2), disks are file systems in memory, and all need root.
Without it, a limit of the process takes the place of those of memory and disks: on its data (RLIMIT_DATA) or on the size of each
file it writes (RLIMIT_FSIZE); processor time has no such limit. Names contain the process, so what a killed one left can be
removed by the next.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MIB = 1024 * 1024
NAME = "alb-ingest-test"
CGROUPS = Path("/sys/fs/cgroup")
MOUNTS = Path("/proc/self/mounts")


def is_alive(name: str) -> bool:
    """Returns whether the process that a group or mount is named after still runs."""
    process = name.split("-")[3]
    return Path("/proc", process).exists()


class Group:
    """A control group for one resource."""

    def __init__(self, parent: Path, settings: dict[str, str]):
        """Creates the group; fails with OSError if this machine does not allow it."""
        remove_abandoned_groups(parent)
        number = sum(1 for _ in parent.glob(f"{NAME}-{os.getpid()}-*"))
        self.path = parent / f"{NAME}-{os.getpid()}-{number}"
        self.path.mkdir()
        self.launcher = ("sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh")
        try:
            for name, value in settings.items():
                # Without the controller, the group has no such file.
                with open(self.path / name, "r+") as file:
                    file.write(value)
        except OSError:
            self.path.rmdir()
            raise

    def remove(self) -> None:
        remove_group(self.path)


def hierarchy(kinds: tuple[tuple, ...]) -> tuple:
    """Returns the first of the kinds, each of which begins with a folder, whose folder has control groups."""
    for kind in kinds:
        if (kind[0] / "cgroup.procs").exists():
            return kind
    raise FileNotFoundError("no control groups")


class MemoryGroup(Group):
    """A control group for memory."""

    # Version 1 has a hierarchy for each resource, version 2 one for all.
    KINDS = (
        (CGROUPS / "memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"),
        (CGROUPS, "memory.max", "memory.peak", "memory.events"),
    )

    def __init__(self, mebibytes: int):
        """Creates the group; fails with OSError if this machine does not allow it."""
        parent, limit, self.peak_file, self.events_file = hierarchy(self.KINDS)
        super().__init__(parent, {limit: str(mebibytes * MIB)})
        # Version 1: swap would hide that the limit is exceeded. The file does not exist without swap accounting.
        swap = self.path / "memory.memsw.limit_in_bytes"
        if swap.exists():
            try:
                swap.write_text(str(mebibytes * MIB))
            except OSError:
                self.path.rmdir()
                raise

    def kills(self) -> int:
        events = dict(line.split() for line in (self.path / self.events_file).read_text().splitlines())
        return int(events["oom_kill"])

    def peak(self) -> int:
        """Returns the maximum of the charged bytes, page cache included; 0 if the kernel does not report it."""
        path = self.path / self.peak_file
        return int(path.read_text()) if path.exists() else 0


class ProcessorGroup(Group):
    """A control group for a share of a processor: of each period of 20 ms, its programs run for the share in all."""

    PERIOD = 20_000

    def __init__(self, share: float):
        """Creates the group; fails with OSError if this machine does not allow it."""
        quota, period = str(round(share * self.PERIOD)), str(self.PERIOD)
        kinds = (
            (CGROUPS / "cpu", {"cpu.cfs_period_us": period, "cpu.cfs_quota_us": quota}),
            (CGROUPS, {"cpu.max": f"{quota} {period}"}),
        )
        super().__init__(*hierarchy(kinds))


@contextmanager
def processor(share: float) -> Iterator[ProcessorGroup]:
    """Limits processor time; removes the group at the end."""
    group = ProcessorGroup(share)
    try:
        yield group
    finally:
        group.remove()


def remove_group(path: Path) -> None:
    # It takes the kernel a moment to notice that the last process of the group has exited.
    for _ in range(100):
        try:
            return path.rmdir()
        except OSError:
            time.sleep(0.05)
    print(f"the control group {path} could not be removed", file=sys.stderr)


def remove_abandoned_groups(parent: Path) -> None:
    for path in parent.glob(f"{NAME}-*"):
        if not is_alive(path.name):
            remove_group(path)


class Memory:
    """A limit on the memory of programs that are started with the launcher."""

    def __init__(self, mebibytes: int):
        try:
            self.group = MemoryGroup(mebibytes)
            self.how = "control group"
            self.launcher = self.group.launcher
        except OSError as error:
            self.group = None
            self.how = "limit on data (RLIMIT_DATA)"
            self.launcher = ("sh", "-c", f'ulimit -d {mebibytes * 1024} && exec "$@"', "sh")
            print(f"NO CONTROL GROUP ({error}): a limit on data takes its place and cannot show kills", file=sys.stderr)

    def kills(self) -> int:
        """Returns the number of processes that the kernel killed for memory."""
        return self.group.kills() if self.group else 0

    def peak(self) -> int:
        return self.group.peak() if self.group else 0

    def remove(self) -> None:
        if self.group:
            self.group.remove()


@contextmanager
def memory(mebibytes: int) -> Iterator[Memory]:
    """Limits memory; removes the group at the end."""
    limit = Memory(mebibytes)
    try:
        yield limit
    finally:
        limit.remove()


def mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True)


def unmount(path: object) -> None:
    """Removes a mount, also if a process still uses it."""
    if subprocess.run(["umount", path], capture_output=True).returncode:
        subprocess.run(["umount", "--lazy", path], capture_output=True)


def unmount_abandoned() -> None:
    for line in MOUNTS.read_text().splitlines():
        source, path, *_ = line.split()
        if source.startswith(f"{NAME}-") and not is_alive(source):
            unmount(path)


def can_mount() -> bool:
    """Returns whether this process may mount file systems."""
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as path:
        try:
            mount("-t", "tmpfs", "-o", "size=4k", f"{NAME}-{os.getpid()}", path)
        except (OSError, subprocess.CalledProcessError):
            return False
        unmount(path)
        return True


class Disk:
    """A small file system at a path."""

    def __init__(self, path: Path, kibibytes: int, files: int | None = None):
        """`files` limits the number of files and folders."""
        path.mkdir(parents=True, exist_ok=True)
        self.path, self.mounted = path, can_mount()
        self.launcher = ()
        self.how = "file system in memory" if self.mounted else "limit on file sizes (RLIMIT_FSIZE)"
        if self.mounted:
            unmount_abandoned()
            inodes = f",nr_inodes={files + 1}" if files else ""
            mount("-t", "tmpfs", "-o", f"mode=755,size={kibibytes}k{inodes}", f"{NAME}-{os.getpid()}", path)
        else:
            # The signal would end the program; a write beyond the limit fails if it is ignored.
            blocks = kibibytes * 2
            self.launcher = ("sh", "-c", f"trap '' XFSZ; ulimit -f {blocks} && exec \"$@\"", "sh")

    def grow(self) -> None:
        """Makes room for everything."""
        self.launcher = ()
        if self.mounted:
            mount("-o", "remount,size=1g,nr_inodes=1000000", self.path)

    def make_read_only(self) -> None:
        mount("-o", "remount,ro", self.path)

    def make_writable(self) -> None:
        mount("-o", "remount,rw", self.path)

    def remove(self) -> None:
        if self.mounted:
            unmount(self.path)


@contextmanager
def disk(path: Path, kibibytes: int, files: int | None = None) -> Iterator[Disk]:
    """Mounts a small file system; removes it at the end. Without the right to mount, only large files are refused."""
    made = Disk(path, kibibytes, files)
    try:
        yield made
    finally:
        made.remove()
