"""What the figures were measured on."""

import os
import platform
from pathlib import Path


def describe() -> str:
    system = os_name()
    return f"{cpu()}, {os.cpu_count()} cores, {memory()}, {system}, Linux {platform.release().split('-')[0]}"


def cpu() -> str:
    model = value("/proc/cpuinfo", "model name", ":") or platform.processor() or "unknown CPU"
    family = [value("/proc/cpuinfo", name, ":") for name in ("cpu family", "model")]
    return f"{model} (family {family[0]}, model {family[1]}, {platform.machine()})" if all(family) else model


def memory() -> str:
    total = value("/proc/meminfo", "MemTotal", ":").split()
    return f"{int(total[0]) / 1_000_000:.0f} GB of memory" if total else "unknown memory"


def os_name() -> str:
    return value("/etc/os-release", "PRETTY_NAME", "=").strip('"') or platform.system()


def value(path: str, name: str, separator: str) -> str:
    """The first value of a name in a file of names and values."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    for line in lines:
        found, _, text = line.partition(separator)
        if found.strip() == name:
            return text.strip()
    return ""
