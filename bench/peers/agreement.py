"""Whether the outputs say the same, as far as every candidate has the columns."""

import json
from pathlib import Path

from candidates import JSON, PARQUET, Candidate
from config import ENGINES
from console import Failed, output, say
from prepare import Prepared

# JSON of more lines than this takes longer to read than it is worth.
MOST_JSON_LINES = 500_000


class Agreement:
    """Compares each output with that of the first candidate for the same work."""

    def __init__(self, prepared: Prepared, lines: int) -> None:
        # DuckDB reads the outputs of all.
        self.python = prepared.programs.get("duckdb")
        self.lines = lines
        self.facts: dict[str, dict] = {}
        self.verdicts: dict[str, str] = {}

    def look(self, candidate: Candidate, files: list[Path]) -> None:
        # Neither the quarantine nor the description of the destination.
        files = [file for file in files if "_quarantine" not in file.parts and file.name != "_alb-ingest.json"]
        if self.python is None or candidate.work not in (PARQUET, JSON):
            return
        if candidate.work == JSON and self.lines > MOST_JSON_LINES:
            return
        try:
            command = [self.python, ENGINES / "facts.py", candidate.work, *files]
            facts = json.loads(output(command))
        except Failed as why:
            self.verdicts[candidate.key] = f"not readable: {why}"
            return
        # Parquet and JSON must say the same, too.
        expected = next(iter(self.facts.values()), {"rows": self.lines})
        self.facts[candidate.key] = facts
        differences = [
            f"{name} is {brief(facts[name])}, not {brief(value)}"
            for name, value in expected.items()
            if facts[name] != value
        ]
        self.verdicts[candidate.key] = "; ".join(differences) or "yes"
        say(f"    agrees: {self.verdicts[candidate.key]}")


def brief(value: object) -> str:
    text = str(value)
    return text if len(text) < 40 else text[:36] + " ..."
