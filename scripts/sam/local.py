#!/usr/bin/env python3
"""`make sam-local`: runs every payload of events/ through the template's function and compares it with the command line.

Builds with `sam build`, starts what is needed (a Docker engine, the runtime's image, a server in place of AWS), invokes the
function, compares responses and objects, prints a table, and stops everything it started. If no engine can run, the payloads
run through the runtime interface emulator on this machine instead; the output names the mode.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "scripts"), str(ROOT / "tests/template")]

import artefact  # noqa: E402
import samcli  # noqa: E402
from account import EVENTS, LOGS, Account  # noqa: E402
from engine import Engine, NoEngine  # noqa: E402
from invoke import Response, Container, Emulator, counted, limits, reference  # noqa: E402
from stack import Stack  # noqa: E402

TOOLS = Path(sys.executable).parent
SAM = TOOLS / "sam"
EMULATOR = Path(samcli.__file__).parent / "local/rapid/aws-lambda-rie-x86_64"
BUILT = ROOT / ".aws-sam/build/template.yaml"
BOOTSTRAP = BUILT.parent / "IngestFunction/bootstrap"
PARAMETERS = {"LogBucketName": LOGS, "EventBucketName": EVENTS}
# The template for this machine. It must be in the project's folder, because it builds what is next to it.
TEMPLATE = ROOT / "template-x86_64.yaml"
# An unknown payload, to test errors, which none of events/ causes. SAM exits with 0 for errors, too.
UNKNOWN = {"greeting": "hello"}


def say(text: str) -> None:
    """Prints a progress message."""
    print(text, flush=True)


def build(mode: str) -> None:
    """Runs `sam build`, which writes the built template and the function."""
    begun = time.monotonic()
    # Plain cargo instead of zig: the function is built for this machine's target.
    tools = {"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}", "CARGO_LAMBDA_COMPILER": "cargo", "SAM_CLI_TELEMETRY": "0"}
    environment = os.environ | tools | ({"SAM_BUILD_MODE": "debug"} if mode == "debug" else {})
    TEMPLATE.write_text(for_x86_64((ROOT / "template.yaml").read_text()))
    command = [SAM, "build", "--template-file", TEMPLATE]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"sam build failed:\n{done.stdout[-4000:]}")
    say(f"sam build ({mode}): {time.monotonic() - begun:.0f} s")


def for_x86_64(text: str) -> str:
    """Returns the template for the other architecture; the command is the one in docs/guide/deploy.md."""
    changed = text.replace("Architectures: [arm64]", "Architectures: [x86_64]")
    if changed == text:
        raise SystemExit("sam-local: template.yaml does not have the line that names the architecture")
    return changed


def check_libc() -> None:
    """Checks the C library that the function requires, because the image has this machine's and not Amazon Linux's."""
    binary = BOOTSTRAP.read_bytes()
    required = artefact.required_glibc(binary)
    shown = ".".join(map(str, required))
    if required > artefact.MAX_GLIBC:
        raise SystemExit(f"sam-local: the function needs GLIBC {shown}, which provided.al2023 does not have")
    say(f"function: {len(binary) / 1e6:.1f} MB, needs GLIBC {shown}")


def command_line() -> Path:
    """Returns the path of the command line, whose output is the reference."""
    given = os.environ.get("ALB_INGEST_BIN")
    if given:
        return Path(given).resolve()
    command = ["cargo", "build", "--quiet", "--locked", "--bin", "alb-ingest", "--message-format=json-render-diagnostics"]
    made = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    messages = [json.loads(line) for line in made.stdout.splitlines()]
    return next(Path(message["executable"]) for message in messages if message.get("executable"))


def compared(found: Response, expected: Response, objects: dict[str, bytes], files: dict[str, bytes]) -> str:
    """Returns `yes`, or the difference.

    Responses, errors, counts of lines and the bytes of the objects must be equal.
    """
    if found.failed != expected.failed:
        return "NO: one is an error"
    if not isinstance(found.value, dict) or not isinstance(expected.value, dict):
        return "NO: neither a response nor an error"
    if found.failed:
        # The runtime may add to an error, for example a stack trace.
        compared_keys = ("errorType", "errorMessage")
        if any(found.value.get(part) != expected.value.get(part) for part in compared_keys):
            return "NO: a different error"
    elif found.value != expected.value:
        return "NO: a different response"
    if counted(found.log) != counted(expected.log):
        return f"NO: different counts, {counted(found.log)} and {counted(expected.log)}"
    if objects.keys() != files.keys():
        return f"NO: {len(objects.keys() ^ files.keys())} keys differ"
    other = [key for key in objects if objects[key] != files[key]]
    return f"NO: the bytes of {len(other)} objects differ" if other else "yes"


def table(rows: list[tuple[str, ...]]) -> str:
    """Formats rows as aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def in_container(work: Path, account: Account, opened: list) -> Container | None:
    """Returns a `sam local invoke` runner if an engine can run. Containers get the endpoint with --env-vars, as documented."""
    try:
        engine = Engine.open(work, say)
        opened.append(engine)
        engine.make_image(EMULATOR, BOOTSTRAP)
    except NoEngine as error:
        say(f"engine: not available: {error}")
        return None
    variables = work / "variables.json"
    endpoint = {"AWS_ENDPOINT_URL": f"http://host.docker.internal:{account.port}"}
    variables.write_text(json.dumps({"IngestFunction": endpoint}))
    return Container(SAM, ROOT, BUILT, PARAMETERS, variables, engine)


def payloads_of(asked: argparse.Namespace, work: Path) -> list[Path]:
    """Returns the given payloads, or all of events/ and an unknown one."""
    if asked.payloads:
        return [path.resolve() for path in asked.payloads]
    unknown = work / "unknown.json"
    unknown.write_text(json.dumps(UNKNOWN))
    return [*sorted((ROOT / "events").glob("*.json")), unknown]


def run(asked: argparse.Namespace, work: Path, opened: list) -> int:
    """Invokes the function and compares; returns 1 if anything differs. Adds what it starts to `opened`."""
    program = command_line()
    account = Account(TOOLS / "moto_server", ROOT / "events/objects", work / "moto.log")
    opened.append(account)
    stack = Stack(**PARAMETERS)
    runner = None if asked.native else in_container(work, account, opened)
    if runner is None:
        endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{account.port}"}
        bounds = limits(stack.parameters["Timeout"], stack.parameters["MemorySize"])
        runner = Emulator(EMULATOR, BOOTSTRAP, bounds | stack.variables() | endpoint, work)
        opened.append(runner)
    say(f"invocations: {runner.name}\n")
    rows, differences = [("payload", "outcome", "objects", "seconds", "same as command line")], []
    payloads = payloads_of(asked, work)
    for payload in payloads:
        account.take()
        found = runner.invoke(payload)
        objects = account.take()
        expected, files = reference(program, payload, ROOT / "events", stack.variables(), work / "out" / payload.stem)
        same = compared(found, expected, objects, files)
        rows.append((payload.stem, found.word, str(len(objects)), f"{found.seconds:.3f}", same))
        if same != "yes":
            only = sorted(objects.keys() ^ files.keys())
            differences.append(
                f"\n--- {payload.name}: {same}\nfunction: {found.value}\ncommand line: {expected.value}\n"
                f"keys of only one of them: {only}\n{found.log[-3000:]}"
            )
    say(table(rows))
    say("\n".join(differences))
    say(f"{len(payloads) - len(differences)} of {len(payloads)} payloads give the same result as the command line; {runner.name}")
    return 1 if differences else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("payloads", nargs="*", type=Path, help="payloads [default: all of events/]")
    parser.add_argument("--mode", choices=["release", "debug"], default="debug", help="build mode of the function [default: debug]")
    parser.add_argument("--native", action="store_true", help="use the emulator without looking for an engine")
    parser.add_argument("--built", action="store_true", help="use the result of an earlier sam build")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise SystemExit("sam-local: requires Linux on x86-64, the platform of the function and the emulator")
    # On SIGTERM, stop everything that was started, as for an error.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not asked.built:
        build(asked.mode)
    elif not BOOTSTRAP.exists():
        raise SystemExit("sam-local: no earlier build found; run it without --built")
    check_libc()
    # A short path, because the path of a socket is limited.
    work = Path(tempfile.mkdtemp(prefix="alb-"))
    opened = []
    try:
        return run(asked, work, opened)
    finally:
        for thing in reversed(opened):
            thing.close()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
