#!/usr/bin/env python3
"""Checks a built function and packs it into the zip file that Lambda expects, with the licences of the lists that are compiled
into it. The same binary gives the same bytes.

usage: artefact.py BOOTSTRAP ZIP x86_64|arm64

The binary must not require a newer C library than that of Amazon Linux 2023. Needs only Python's standard library.
"""

import hashlib
import json
import re
import struct
import sys
import zipfile
import zlib
from pathlib import Path

# Amazon Linux 2023, and so provided.al2023: https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils.html
MAX_GLIBC = (2, 34)
# The licences of the lists that are compiled into the binary: data/README.md
LICENCES = list((Path(__file__).resolve().parents[1] / "data").glob("*/LICENSE"))
# The earliest time that a zip file can represent.
TIME = (1980, 1, 1, 0, 0, 0)
# SHT_GNU_verneed: https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html
VERSIONS_NEEDED = 0x6FFFFFFE
# https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md
DEPENDENCIES = b".dep-v0"
MACHINES = {62: "x86_64", 183: "arm64"}


def machine(binary: bytes) -> str:
    """Returns the architecture of an ELF binary, as Lambda names it."""
    if binary[:6] != b"\x7fELF\x02\x01":
        raise SystemExit("artefact: not a 64-bit ELF binary")
    number = int.from_bytes(binary[18:20], "little")
    if number not in MACHINES:
        raise SystemExit(f"artefact: Lambda does not support this architecture: ELF machine {number}")
    return MACHINES[number]


def sections(binary: bytes) -> list[tuple[int, int, int, int]]:
    """Returns the type, offset, link and number of entries of each section of a 64-bit ELF binary."""
    (start,), (size, count) = struct.unpack_from("<Q", binary, 0x28), struct.unpack_from("<HH", binary, 0x3A)
    heads = [struct.unpack_from("<IIQQQQII", binary, start + number * size) for number in range(count)]
    return [(kind, offset, link, entries) for _, kind, _, _, offset, _, link, entries in heads]


def required_versions(binary: bytes) -> set[str]:
    """Returns the symbol versions that the binary requires of its libraries: section .gnu.version_r, as shown by `readelf -V`."""
    found = set()
    parts = sections(binary)
    for kind, offset, link, entries in parts:
        if kind != VERSIONS_NEEDED:
            continue
        strings = parts[link][1]
        for _ in range(entries):
            _, count, _, first, following = struct.unpack_from("<HHIII", binary, offset)
            version = offset + first
            for _ in range(count):
                _, _, _, name, further = struct.unpack_from("<IHHII", binary, version)
                end = binary.index(b"\0", strings + name)
                found.add(binary[strings + name : end].decode())
                version += further
            offset += following
    return found


def listed_crates(binary: bytes) -> set[tuple[str, str]]:
    """Returns the names and versions that cargo-auditable put into a 64-bit ELF binary; none if it did not build it."""
    (start,), (size, count, names) = struct.unpack_from("<Q", binary, 0x28), struct.unpack_from("<HHH", binary, 0x3A)
    heads = [struct.unpack_from("<IIQQQQ", binary, start + number * size) for number in range(count)]
    for name, _, _, _, offset, length in heads:
        at = heads[names][4] + name
        if binary[at : at + len(DEPENDENCIES) + 1] == DEPENDENCIES + b"\0":
            packages = json.loads(zlib.decompress(binary[offset : offset + length]))["packages"]
            return {(package["name"], package["version"]) for package in packages}
    return set()


def required_glibc(binary: bytes) -> tuple[int, ...]:
    """Returns the newest version of the C library whose symbols the binary requires."""
    names = [re.fullmatch(r"GLIBC_([0-9]+(?:\.[0-9]+)+)", name) for name in required_versions(binary)]
    versions = [tuple(map(int, name[1].split("."))) for name in names if name]
    if not versions:
        raise SystemExit("artefact: the binary does not name a version of the C library")
    return max(versions)


def pack(binary: bytes, path: Path) -> None:
    """Writes the zip file: entries without a timestamp or an owner."""
    files = {"bootstrap": (binary, 0o100755)}
    files |= {f"licenses/{licence.parent.name}": (licence.read_bytes(), 0o100644) for licence in sorted(LICENCES)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system = 3
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=9)


def main() -> None:
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    source, target, wanted = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    binary = source.read_bytes()
    kind, glibc = machine(binary), required_glibc(binary)
    if kind != wanted:
        raise SystemExit(f"artefact: {source} is for {kind}, not for {wanted}: this machine has another processor")
    shown = ".".join(map(str, glibc))
    if glibc > MAX_GLIBC:
        newest = ".".join(map(str, MAX_GLIBC))
        raise SystemExit(f"artefact: {source} needs GLIBC {shown}; provided.al2023 has {newest}. Build it with cargo-lambda and zig.")
    pack(binary, target)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    print(f"{target}: {kind}, GLIBC {shown}, {len(binary):,} bytes packed into {target.stat().st_size:,}, SHA-256 {digest}")
    crates = len(listed_crates(binary))
    print(f"{target}: " + (f"lists {crates} crates for cargo audit" if crates else "does not list its crates"))


if __name__ == "__main__":
    main()
