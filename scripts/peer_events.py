#!/usr/bin/env python3
"""Compares events with those that another tool's tests expect for the same lines, field by field.

usage: peer_events.py TOOL EVENTS EXPECTED

TOOL is elastic or panther. EVENTS are JSON lines of `alb-ingest run --schema ecs` or `--schema panther --panther-fields`.
EXPECTED has the expected events in the same order, as JSON lines or as {"expected": [...]}. The command fetches nothing. It prints
each difference: one that docs/reference/schemas.md explains with its reason, any other as unexplained. Exit code 1: there are
unexplained ones.
"""

import argparse
import json
import pathlib
import re
import sys
from datetime import datetime

# Fields that depend on the tool's deployment.
IGNORED = {"elastic": r"event\.original|tags", "panther": r"p_row_id|p_parse_time|p_source_.*|p_schema_version"}
# Differences, each a pattern of paths with the reason.
EXPLAINED = {
    "elastic": [
        (r"source\.(geo|as)\..*|user_agent\.(name|version|device\.name|os\..*)", "a lookup, which an ingest pipeline can add"),
        (r"http\.(request|response)\.body\.bytes", "AWS's numbers include headers: http.request.bytes, http.response.bytes"),
        (r"trace\.id", "the 32 digits of Root; the header is in aws.elb.trace_id"),
        (r"aws\.elb\.alpn_client_preference_list", "a list"),
    ],
    "panther": [],
}
ABSENT = "a dash on the line, which is no value"


def flat(event: dict, prefix: str = "") -> dict[str, object]:
    """Returns the values of an event by their paths."""
    values = {}
    for name, value in event.items():
        values |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return values


def same(found: object, expected: object) -> bool:
    """Returns whether values are equal. Times are compared in milliseconds, lists of indicators in any order."""
    if isinstance(found, list) and isinstance(expected, list):
        return sorted(map(str, found)) == sorted(map(str, expected))
    if isinstance(found, str) and isinstance(expected, str) and found != expected:
        try:
            return abs((datetime.fromisoformat(found) - datetime.fromisoformat(expected)).total_seconds()) < 0.001
        except (ValueError, TypeError):
            return False
    return found == expected


def read(path: pathlib.Path) -> list[dict]:
    text = path.read_text()
    try:
        return json.loads(text)["expected"]
    except (json.JSONDecodeError, KeyError):
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def reason(tool: str, path: str, expected: object) -> str | None:
    if expected == "-":
        return ABSENT
    return next((why for pattern, why in EXPLAINED[tool] if re.fullmatch(pattern, path)), None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("tool", choices=sorted(EXPLAINED))
    parser.add_argument("events", type=pathlib.Path)
    parser.add_argument("expected", type=pathlib.Path)
    arguments = parser.parse_args()
    events, expected = read(arguments.events), read(arguments.expected)
    if len(events) != len(expected):
        print(f"{len(events)} events, {len(expected)} expected", file=sys.stderr)
        return 1
    agree, differ, unexplained = 0, 0, 0
    for number, (event, wanted) in enumerate(zip(map(flat, events), map(flat, expected), strict=True), 1):
        for path, value in wanted.items():
            if value is None or value == [] or re.fullmatch(IGNORED[arguments.tool], path):
                continue
            if same(event.get(path), value):
                agree += 1
                continue
            why = reason(arguments.tool, path, value)
            differ += 1
            unexplained += why is None
            print(f"event {number}: {path} is {event.get(path)!r}, expected {value!r}: {why or 'unexplained'}")
    print(f"{agree} of {agree + differ} values agree, {unexplained} differences are unexplained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
