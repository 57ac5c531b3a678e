#!/usr/bin/env python3
"""What enrichment, filters, samples and redaction cost beside no such setting, in Parquet and JSON: CPU time and bytes.

See `schemas.py` for how it is measured. The columns of addresses need a database in MaxMind's format: `--geo-database FILE`.
"""

import tempfile
from pathlib import Path

from schemas import arguments, compare

ENRICH = (
    "status_class,total_time,tls_version,request_query",
    "user_agent_family,user_agent_os",
    "bot_name,bot_kind",
)
REDACT = (
    "client_ip=truncate",
    "client_ip=pseudonym",
    "client_ip=hmac",
    "user_agent=drop",
    "user_agent=family",
    "query=keys",
    "query=secrets",
    "path=template",
    "client_ips=truncate,query=keys,path=template,user_agent=family,trace_ids=drop,certificates=drop",
)


def variants(key: Path, database: str | None) -> dict[str, list[str]]:
    """The options of each feature by what the table calls it."""
    found = {"nothing": []}
    for columns in ENRICH:
        found[f"`--enrich {columns}`"] = ["--enrich", columns]
    if database:
        columns = "client_country,client_asn"
        found[f"`--enrich {columns}`"] = ["--enrich", columns, "--geo-database", database]
    found["`--filter` of one column"] = ["--filter", "elb_status_code >= 200"]
    found["`--filter` that keeps few"] = ["--filter", "elb_status_code >= 500 or user_agent like '%bot%'"]
    found["`--sample` of one in 100"] = ["--sample", "keep all where elb_status_code >= 500; keep 1/100"]
    for rules in REDACT:
        found[f"`--redact {rules}`"] = ["--redact", rules, "--redact-key", str(key)]
    return found


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--geo-database", help="a database for client_country and client_asn")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        key.write_text("0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301")
        print(compare(asked, variants(key, asked.geo_database), "setting"))


if __name__ == "__main__":
    main()
