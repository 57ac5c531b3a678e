#!/usr/bin/env python3
"""Writes dashboards/grafana-athena.json: the query pack as a Grafana dashboard on the Athena data source.

The SQL comes from queries/. Only the time range is added: each table becomes a subquery that reads the events, and the days, of
the dashboard's range. With --check the script compares the file with its result instead, and fails if they differ.
"""

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ROOT / "queries"
DASHBOARD = ROOT / "dashboards" / "grafana-athena.json"
RENEW = "scripts/grafana_dashboard.py"

# The rows of the dashboard. Grafana runs the queries of a collapsed row when somebody opens the row.
ROWS = {
    "Traffic and errors": [
        "alb_access_log/traffic_by_minute",
        "alb_access_log/errors_by_target_group",
        "alb_access_log/server_errors",
        "alb_access_log/timeouts",
        "alb_access_log/client_error_sources",
    ],
    "Latency": [
        "alb_access_log/latency_percentiles",
        "alb_access_log/slow_paths",
        "alb_access_log/slow_requests",
        "alb_access_log/websocket_sessions",
    ],
    "Clients, actions and rewrites": [
        "alb_access_log/top_talkers",
        "alb_access_log/requests_of_client_certificates",
        "alb_access_log/actions",
        "alb_access_log/failed_actions",
        "alb_access_log/rewritten_requests",
        "alb_access_log/new_fields",
    ],
    "Suspicious requests": [
        "alb_access_log/injection_attempts",
        "alb_access_log/scanners",
        "alb_access_log/desync_requests",
        "alb_access_log/waf_blocks",
    ],
    "TLS connections": [
        "alb_connection_log/post_quantum_share",
        "alb_connection_log/protocols_and_ciphers",
        "alb_connection_log/failure_reasons",
        "alb_connection_log/failed_handshakes",
        "alb_connection_log/deprecated_protocols",
        "alb_connection_log/handshake_percentiles",
        "alb_connection_log/slow_handshakes",
        "alb_connection_log/client_certificate_expiry",
        "alb_connection_log/connections_without_requests",
        "alb_access_log/requests_with_connection",
    ],
    "Health checks": [
        "alb_health_check_log/unhealthy_targets",
        "alb_health_check_log/health_transitions",
        "alb_health_check_log/failure_reasons",
        "alb_health_check_log/check_latency",
    ],
    "Network Load Balancers": [
        "nlb_access_log/top_talkers",
        "nlb_access_log/failed_handshakes",
        "nlb_access_log/tls_alerts",
        "nlb_access_log/deprecated_protocols",
        "nlb_access_log/handshake_percentiles",
        "nlb_access_log/post_quantum_share",
        "nlb_access_log/alpn",
        "nlb_access_log/long_connections",
    ],
    "Classic Load Balancers": [
        "clb_access_log/errors_by_backend",
        "clb_access_log/latency_percentiles",
        "clb_access_log/slow_requests",
        "clb_access_log/top_talkers",
        "clb_access_log/tcp_sessions",
        "clb_access_log/deprecated_protocols",
    ],
}

# Queries whose first column is a time in ascending order.
TIME_SERIES = {"alb_access_log/traffic_by_minute", "alb_connection_log/post_quantum_share"}

DATASOURCE = {"type": "grafana-athena-datasource", "uid": "${datasource}"}

# The macros with a time in UTC. The folder's day is text in Athena, and the condition on it keeps the query from reading other days.
RANGE = (
    '"date" between cast(cast($__timeFrom() as date) as varchar) and cast(cast($__timeTo() as date) as varchar)',
    '"timestamp" between $__timeFrom() and $__timeTo()',
)

# A day in a query of the pack, in place of which the dashboard's range is used.
OWN_DAY = re.compile(r"where\n  \"date\" = '\d{4}-\d\d-\d\d'\n")
# A table after `from` or `join`, with its alias. The pack writes each on a line of its own.
TABLE = re.compile(r"^( +)((?:left )?join )?((?:alb|nlb|clb)_\w+_log)( as \w+)?(?= on |$)", re.MULTILINE)

UNITS = {
    r"/.*_bytes$/": "decbytes",
    r"/^(percent|.*_percent)$/": "percent",
    r"/^(seconds|p50|p90|p95|p99|slowest|.*_seconds|.*_processing_time|in_the_target|tls_handshake_latency)$/": "s",
}
# Here the times are milliseconds.
MILLISECONDS = {"nlb_access_log/handshake_percentiles"}


def in_range(sql: str) -> str:
    """Returns a query of the pack for the dashboard's time range."""

    def subquery(match: re.Match) -> str:
        indent, join, table, name = match.groups()
        conditions = f"\n{indent}    and ".join(RANGE)
        select = f"{indent}  select * from {table}\n{indent}  where {conditions}\n"
        return f"{indent}{join or ''}(\n{select}{indent}){name or f' as {table}'}"

    return TABLE.sub(subquery, OWN_DAY.sub("", sql))


def split(path: Path) -> tuple[str, str, str]:
    """Returns the question, the notes and the SQL of a query."""
    lines = path.read_text().splitlines()
    comments = [line.removeprefix("-- ") for line in lines if line.startswith("--")]
    question, _, rest = comments[0].partition("? ")
    notes = " ".join(filter(None, [rest, *comments[1:]]))
    sql = "\n".join(line for line in lines if not line.startswith("--")).rstrip(";\n")
    return question.rstrip("?") + "?", notes, sql


def panel(number: int, name: str, place: dict) -> dict:
    """Returns the panel of a query."""
    question, notes, sql = split(QUERIES / f"{name}.sql")
    if OWN_DAY.search(sql):
        notes = notes.replace("Replace the day by yours.", "").strip()
    is_series = name in TIME_SERIES
    units = UNITS | ({r"/^(p50|p90|p95|p99|slowest)$/": "ms"} if name in MILLISECONDS else {})
    return {
        "id": number,
        "type": "timeseries" if is_series else "table",
        "title": question,
        "description": notes,
        "gridPos": place,
        "datasource": DATASOURCE,
        "fieldConfig": {
            "defaults": {},
            "overrides": [
                {
                    "matcher": {"id": "byRegexp", "options": pattern},
                    "properties": [{"id": "unit", "value": unit}],
                }
                for pattern, unit in units.items()
            ],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
        if is_series
        else {"showHeader": True},
        "targets": [
            {
                "refId": "A",
                "datasource": DATASOURCE,
                "connectionArgs": {"catalog": "__default", "database": "__default", "region": "__default"},
                # The plugin's numbers of the formats: 0 is a time series, 1 a table.
                "format": 0 if is_series else 1,
                "rawSQL": in_range(sql),
            }
        ],
    }


def panels() -> list[dict]:
    """Returns the rows with their panels. The first row is open."""
    found, y, number = [], 0, 0
    for title, names in ROWS.items():
        number += 1
        row = {"id": number, "type": "row", "title": title, "collapsed": bool(found)}
        row |= {"gridPos": {"x": 0, "y": y, "w": 24, "h": 1}, "panels": []}
        y += 1
        x, inside, below = 0, [], y
        for name in names:
            number += 1
            width = 24 if name in TIME_SERIES else 12
            if x + width > 24:
                x, below = 0, below + 9
            inside.append(panel(number, name, {"x": x, "y": below, "w": width, "h": 9}))
            x += width
        if row["collapsed"]:
            found.append(row | {"panels": inside})
        else:
            found += [row, *inside]
            y = below + 9
    return found


def dashboard() -> str:
    """Returns the dashboard as JSON."""
    value = {
        "uid": "alb-ingest-athena",
        "title": "Load balancer logs (alb-ingest)",
        "description": "The query pack of alb-ingest on the Athena tables with the schema native.",
        "tags": ["alb-ingest", "athena", "elb"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "utc",
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "",
        "annotations": {"list": []},
        "links": [],
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Athena",
                    "type": "datasource",
                    "query": "grafana-athena-datasource",
                    "hide": 0,
                    "refresh": 1,
                    "includeAll": False,
                    "multi": False,
                    "options": [],
                }
            ]
        },
        "panels": panels(),
    }
    return json.dumps(value, indent=2) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if the file is stale, and write nothing")
    arguments = parser.parse_args()
    if not arguments.check:
        DASHBOARD.parent.mkdir(exist_ok=True)
        DASHBOARD.write_text(dashboard())
    elif not DASHBOARD.exists() or DASHBOARD.read_text() != dashboard():
        sys.exit(f"{DASHBOARD.relative_to(ROOT)} is stale: run {RENEW}")


if __name__ == "__main__":
    main()
