#!/usr/bin/env python3
"""`make sam-local`: every payload of events/ through the template's function, compared with the command line.

Builds with `sam build`, brings up what is needed (an engine, the runtime's image, a server in the place of AWS), invokes,
compares answers and objects, prints a table, and stops everything that it started. Where no engine can run, the same
payloads go through the runtime interface emulator on this machine; the output says which of the two it was.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests/template")]

import samcli  # noqa: E402
from account import EVENTS, LOGS, Account  # noqa: E402
from engine import Engine, NoEngine  # noqa: E402
from invoke import Answer, Container, Emulator, reference  # noqa: E402
from stack import Stack  # noqa: E402

SAM = Path(sys.executable).parent / "sam"
TOOLS = ROOT / ".venv-local/bin"
EMULATOR = Path(samcli.__file__).parent / "local/rapid/aws-lambda-rie-x86_64"


def say(text: str) -> None:
    """Tells people what happens."""
    print(text, flush=True)


def built(mode: str, parameters: dict[str, str]) -> Path:
    """The built template of `sam build`, with the function beside it."""
    begun = time.monotonic()
    environment = os.environ | {
        "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        # cargo itself, not zig: this machine's target is the function's.
        "CARGO_LAMBDA_COMPILER": "cargo",
        "CARGO_PROFILE_RELEASE_DEBUG": "false",
        "CARGO_PROFILE_RELEASE_STRIP": "symbols",
    }
    if mode == "debug":
        environment["SAM_BUILD_MODE"] = "debug"
    overrides = " ".join(f"{name}={value}" for name, value in parameters.items())
    command = [SAM, "build", "--template-file", ROOT / "template.yaml", "--parameter-overrides", overrides]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise SystemExit(f"sam build failed:\n{done.stdout[-4000:]}")
    say(f"sam build ({mode}): {time.monotonic() - begun:.0f} s")
    return ROOT / ".aws-sam/build/template.yaml"


def command_line() -> Path:
    """The command line that outputs are compared with."""
    given = os.environ.get("ALB_INGEST_BIN")
    if given:
        return Path(given).resolve()
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--bin", "alb-ingest"], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/alb-ingest"


def compared(found: Answer, expected: Answer, objects: dict[str, bytes], files: dict[str, bytes]) -> str:
    """`yes`, or what differs."""
    if found.failed != expected.failed:
        return "NO: one is an error"
    kind = "errorType"
    if found.failed:
        both = isinstance(found.value, dict) and isinstance(expected.value, dict)
        if not both or found.value.get(kind) != expected.value.get(kind):
            return "NO: another error"
    elif found.value != expected.value:
        return "NO: another answer"
    if objects.keys() != files.keys():
        return f"NO: {len(objects.keys() ^ files.keys())} keys differ"
    other = [key for key in objects if objects[key] != files[key]]
    return f"NO: the bytes of {len(other)} objects differ" if other else "yes"


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows under their heads, in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("payloads", nargs="*", type=Path, help="payloads; by default all of events/")
    parser.add_argument("--mode", choices=["release", "debug"], default="release", help="how the function is built")
    parser.add_argument("--native", action="store_true", help="take the emulator without looking for an engine")
    parser.add_argument("--built", action="store_true", help="take what sam build made before")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    payloads = [path.resolve() for path in asked.payloads] or sorted((ROOT / "events").glob("*.json"))
    parameters = {"Architecture": "x86_64", "LogBucketName": LOGS, "EventBucketName": EVENTS}
    template = ROOT / ".aws-sam/build/template.yaml" if asked.built else built(asked.mode, parameters)
    bootstrap = template.parent / "IngestFunction/bootstrap"
    program = command_line()
    # Short, because the path of a socket is.
    work = Path(tempfile.mkdtemp(prefix="alb-"))
    open_things = []
    try:
        account = Account(TOOLS / "moto_server", ROOT / "events/objects", work / "moto.log")
        open_things.append(account)
        runner = None
        if not asked.native:
            try:
                engine = Engine.open(work, say)
                open_things.append(engine)
                engine.make_image(EMULATOR)
                before = engine.containers()
                endpoint = {"AWS_ENDPOINT_URL": f"http://host.docker.internal:{account.port}"}
                variables_file = work / "variables.json"
                variables_file.write_text(json.dumps({"IngestFunction": endpoint}))
                runner = Container(SAM, ROOT, template, parameters, variables_file, engine)
            except NoEngine as error:
                say(f"engine: none. {error}")
        variables = Stack(**parameters).variables()
        if runner is None:
            endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{account.port}"}
            runner = Emulator(EMULATOR, bootstrap, variables | endpoint, work)
            open_things.append(runner)
        say(f"invocations: {runner.name}\n")
        rows, wrong, logs = [("payload", "outcome", "objects", "seconds", "as the command line")], 0, []
        for payload in payloads:
            account.take()
            found = runner.invoke(payload)
            objects = account.take()
            expected, files = reference(program, payload, ROOT / "events", variables, work / "out" / payload.stem)
            same = compared(found, expected, objects, files)
            if same != "yes":
                wrong += 1
                logs.append(f"--- {payload.name}: {same}\nfunction: {found.value}\ncommand line: {expected.value}\n{found.log[-1500:]}")
            rows.append((payload.stem, found.word, str(len(objects)), f"{found.seconds:.3f}", same))
        say(table(rows))
        say(f"\n{len(payloads) - wrong} of {len(payloads)} as the command line; {runner.name}")
        for log in logs:
            say(log)
        if isinstance(runner, Container):
            engine.remove(engine.containers() - before)
        return 1 if wrong else 0
    finally:
        for thing in reversed(open_things):
            thing.close()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
