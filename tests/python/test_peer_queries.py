"""Queries on Tailpipe's names run on events in its schema, by the script that runs the queries of other tools."""

import subprocess
import sys

from output import ROOT

STANDARD = (ROOT / "tests/standards/tailpipe.tsv").read_text()
SCRIPT = ROOT / "scripts/peer_queries.py"


def columns() -> dict[str, list[str]]:
    """Returns the columns of each of Tailpipe's tables."""
    found = {}
    for line in STANDARD.splitlines():
        if not line.startswith("#"):
            table, column = line.split("\t")[0].split(".")
            found.setdefault(table, []).append(column)
    return found


def run(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_queries_of_every_column_run_and_failures_are_named(shaped, tmp_path):
    blocks = [
        f"```sql\nselect {', '.join(names)} from aws_{table} where tp_timestamp > timestamp '2010-01-01' order by tp_id\n```"
        for table, names in columns().items()
    ]
    (tmp_path / "queries.md").write_text("\n\n".join(blocks))
    events = shaped("tailpipe", "parquet").samples.folder
    found = run(events, tmp_path, "--answers")
    assert (found.returncode, found.stderr) == (0, "")
    *answers, total = found.stdout.splitlines()
    assert len(answers) == 4 and not any(answer.endswith(": 0 rows") for answer in answers)
    assert total == "4 of 4 queries run"

    (tmp_path / "wrong.sql").write_text("select request_verb from aws_alb_access_log")
    found = run(events, tmp_path / "wrong.sql")
    assert found.returncode == 1 and "request_verb" in found.stderr and "wrong.sql" in found.stderr
