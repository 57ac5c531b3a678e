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


# A mod of our own, with every form that the script reads and every form that it must report.
LOCALS = """
locals {
  tags = {
    service = "example"
  }
}
locals {
  columns = <<-EOQ
    ${local.key},
    tp_timestamp as "when", -- the time
    * exclude (tp_timestamp)
  EOQ
  key = <<EOT
tp_id as source
EOT
}
"""
QUERIES = r"""
dashboard "overview" {
  card {
    sql = "select count(*) as \"Requests\" from aws_alb_access_log"
  }
  card {
    query = query.by_local
  }
}

/* query "abandoned" {
  sql = "select nothing from nowhere"
} */
query "by_local" {
  title = "sql = none /*"
  # sql = "select nothing from nowhere"
  sql   = <<-EOQ
    select
      ${local.columns}
    from aws_alb_access_log
    where request_url not like '%$${jndi:%' and request_url not like '%%{if%'
      and user_agent not like '
}
';
  EOQ
}

query "escapes" {
  sql = <<-SQL
    select 1 where '$${a}' = chr(36) || '{a}' and '%%{b}' = chr(37) || '{b}' and length('\x22') = 4
  SQL
}

query "local_only" {
  sql = local.whole
}

locals {
  whole = <<-EOQ
    select 1
  EOQ
  endless = <<-EOQ
    ${local.endless}
  EOQ
}
"""
REPORTED = r"""
query "argument" {
  sql = <<-EOQ
    select * from aws_alb_access_log where elb_status_code = $1
  EOQ
  param "status" {}
}
query "variable" {
  sql = <<-EOQ
    select '${var.region}'
  EOQ
}
query "directive" {
  sql = "select '%{ if true }a%{ endif }'"
}
query "function" {
  sql = file("query.sql")
}
query "escape" {
  sql = "select '\U0001F600'"
}
query "unknown" {
  sql = "select ${local.service}"
}
query "loop" {
  sql = "select ${local.endless}"
}
"""


def test_queries_of_a_mod_run_with_its_locals_and_others_are_reported(shaped, tmp_path):
    (tmp_path / "queries").mkdir()
    (tmp_path / "locals.pp").write_text(LOCALS)
    (tmp_path / "queries/own.pp").write_text(QUERIES)
    events = shaped("tailpipe", "parquet").samples.folder
    found = run(events, tmp_path, "--answers")
    assert (found.returncode, found.stderr) == (0, "")
    *answers, total = found.stdout.splitlines()
    assert [answer.rpartition(", ")[2].partition(":")[0] for answer in answers] == ["overview", "by_local", "escapes", "local_only"]
    assert not any(answer.endswith(": 0 rows") for answer in answers)
    assert total == "4 of 4 queries run"

    (tmp_path / "queries/reported.pp").write_text(REPORTED)
    found = run(events, tmp_path)
    assert found.returncode == 1 and found.stdout == "4 of 11 queries run\n"
    failures = [line.partition("reported.pp, line ")[2].partition(", ")[2] for line in found.stderr.splitlines()]
    assert failures[0].startswith("argument: ") and "parameter" in failures[0]
    assert failures[1:] == [
        f"{name} is not a heredoc of locals in this folder"
        for name in (
            "variable: ${var.region}",
            "directive: %{ if true }",
            'function: ${file("query.sql")}',
            "escape: ${\"select '\\U0001F600'\"}",
            "unknown: ${local.service}",
            "loop: ${local.endless}",
        )
    ]
