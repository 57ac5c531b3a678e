"""The figures of a report equal those that DuckDB computes from the Parquet output of the same objects.

Counts and sums are equal; percentiles, numbers of distinct values and long top lists are within the bounds that the figures state.
"""

import gzip
import json
import math
import random
import subprocess
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from output import OBJECTS, ROOT, TABLES
from report_events import EVENTS, cut, percentiles, status_counts
from tables import connect

INJECTIONS = ROOT / "queries/alb_access_log/injection_attempts.sql"
SCANNERS = ROOT / "queries/alb_access_log/scanners.sql"

# 2026-10-07T10:00:00Z
NOON = 1_791_367_200


@dataclass
class World:
    """Figures, and the database with the same events."""

    figures: dict
    database: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[tuple]:
        return self.database.execute(sql).fetchall()

    def counts(self, sql: str) -> dict:
        """Returns counts by the other columns, of which the last one is the count."""
        return {row[:-1]: row[-1] for row in self.rows(sql)}


def crowd(folder: Path) -> Path:
    """Writes an object with more paths, clients, user agents and hosts than are counted exactly, some of them frequent."""
    chance = random.Random(7)
    lines = []
    for number in range(16_000):
        rank = int(chance.paretovariate(0.5)) if number % 2 else chance.randrange(10**6)
        client = f"198.{18 + rank % 2}.{rank // 256 % 256}.{rank % 256}"
        path = f"/{rank % 40}/{min(rank, 10**9)}"
        status = chance.choice(["200 200", "200 200", "404 404", "502 -", "302 302"])
        latency = f"{chance.expovariate(20):.3f}"
        time = datetime.utcfromtimestamp(NOON + number / 10).isoformat(timespec="microseconds")
        lines.append(
            f"https {time}Z app/crowd/0123456789abcdef {client}:{1024 + number % 60000} 192.0.2.10:80 0.001 {latency} 0.000 "
            f'{status} {100 + rank % 900} {1000 + rank % 9000} "GET https://h{rank % 3000}.example.com:443{path} HTTP/1.1" '
            f'"agent/{rank % 5000}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/0123456789abcdef "
            '"Root=1-67891233-abcdef012345678912345678" "-" "-" 0 2026-10-07T10:00:00.000000Z "forward" "-" "-" '
            '"192.0.2.10:80" "200" "-" "-"\n'
        )
    folder.mkdir()
    (folder / "crowd.log.gz").write_bytes(gzip.compress("".join(lines).encode(), 1, mtime=0))
    return folder


@pytest.fixture(scope="module")
def many(command, tmp_path_factory) -> Path:
    """Generated objects of every table, several of each."""
    folder = tmp_path_factory.mktemp("many")
    for table in TABLES:
        # The nodes of a load balancer check targets independently, but the generator has one node: one object has its checks.
        objects = ((1, 2_500),) if table == "alb_health_check_log" else ((1, 2_500), (2, 700), (3, 90))
        for seed, lines in objects:
            command("generate", table, "--seed", seed, "--lines", lines, "--hostile", 0.05, "--broken", 0.01, "--to", folder)
    return folder


@pytest.fixture(scope="module")
def report(command):
    """Returns a function that makes the figures of objects."""

    def run(*arguments: object) -> dict:
        return json.loads(command("report", *arguments, "--format", "json").stdout)

    return run


@pytest.fixture(scope="module", params=["samples", "hostile", "many", "crowd"])
def world(request, command, report, ingest, parquet, hostile_objects, many, tmp_path_factory) -> World:
    match request.param:
        case "samples":
            objects, output = OBJECTS, parquet
        case "hostile":
            objects, output = hostile_objects, ingest(objects=hostile_objects)
        case "many":
            objects, output = many, ingest(objects=many)
        case "crowd":
            objects = crowd(tmp_path_factory.mktemp("crowd") / "in")
            for table in TABLES:
                command("generate", table, "--lines", 20, "--to", objects)
            output = ingest(objects=objects)
    database = connect(output)
    database.execute(EVENTS)
    return World(report(objects), database)


def close(found: dict | None, values: list[float], bound: float) -> None:
    """Checks percentiles against all values."""
    if not values:
        assert found is None
        return
    expected = percentiles(values)
    assert found["count"] == len(values)
    assert math.isclose(found["max"], max(values))
    for name, exact in expected.items():
        assert abs(found[name] - exact) <= bound * exact * (1 + 1e-9) + 1e-9, (name, found[name], exact)


def ranked(world: World, figure: dict | None, key, count: str, expected: dict) -> None:
    """Checks a ranking: its rows have these counts, and no value with a higher one is missing."""
    if not expected:
        assert figure is None or figure["rows"] == []
        return
    rows = figure["rows"]
    found = {key(row): row[count] for row in rows}
    assert len(found) == len(rows)
    for value, counted in found.items():
        assert expected[value] - figure["undercount"] <= counted <= expected[value], value
    assert figure["undercount"] <= figure["unseen"]
    counts = [row[count] for row in rows]
    assert counts == sorted(counts, reverse=True)
    others = [counted for value, counted in expected.items() if value not in found]
    # A value that is not shown has no more events than the last one shown, or was not seen.
    assert max(others, default=0) <= counts[-1] + figure["unseen"]
    if figure["unseen"]:
        error = abs(figure["distinct"] / len(expected) - 1)
        assert error <= 5 * world.figures["bounds"]["distinct_standard_error"], (figure["distinct"], len(expected))
    else:
        assert figure["distinct"] == len(expected)


def micros(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1_000_000 + 0.5)


def test_every_line_that_was_read_is_in_the_figures(world):
    read = world.figures["read"]
    assert read["lines"] == read["events"] + read["quarantined"] + read["blank"]
    for table in TABLES:
        rows, first, last = world.rows(f'select count(*), min(epoch_us("timestamp")), max(epoch_us("timestamp")) from {table}')[0]
        entry = next((entry for entry in read["tables"] if entry["table"] == table), None)
        assert (entry["events"] if entry else 0) == rows
        if rows:
            assert (micros(entry["period"]["first"]), micros(entry["period"]["last"])) == (first, last)
    events = world.rows(" union all ".join(f"select count(*) from {table}" for table in TABLES))
    assert read["events"] == sum(count for (count,) in events)


def test_the_timeline(world):
    timeline = world.figures["timeline"]
    length = timeline["interval_seconds"] * 1_000_000
    starts = [micros(interval["start"]) for interval in timeline["intervals"]]
    assert starts == list(range(starts[0], starts[-1] + length, length)) and len(starts) <= 240
    number = f"epoch_us(t) // {length} * {length}"
    expected = {
        row[0]: row[1:]
        for row in world.rows(
            f"""select {number}, count(*) filter (is_request), {status_counts()}, sum(received_bytes), sum(sent_bytes),
            list(latency) filter (latency is not null),
            count(*) filter (is_connection), count(*) filter (failed), count(*) filter (is_check), count(*) filter (check_failed)
            from every_event group by 1"""
        )
    }
    assert starts[0] == min(expected) and starts[-1] == max(expected)
    names = list(timeline["intervals"][0]["statuses"])
    for start, interval in zip(starts, timeline["intervals"], strict=True):
        requests, *statuses, received, sent, latency, connections, failed, checks, failed_checks = expected.get(
            start, (0,) * 10 + (None,) + (0,) * 4
        )
        assert interval["requests"] == requests
        assert [interval["statuses"][name] for name in names] == statuses
        assert (interval["received_bytes"], interval["sent_bytes"]) == (received or 0, sent or 0)
        assert (interval["connections"], interval["failed_handshakes"]) == (connections, failed)
        assert (interval["health_checks"], interval["failed_health_checks"]) == (checks, failed_checks)
        close(interval.get("latency"), latency or [], world.figures["bounds"]["percentile_relative_error"])


def check_requests(world: World, found: dict, where: str) -> None:
    names = list(found["statuses"])
    ((requests, *statuses, received, sent, latency),) = world.rows(
        f"""select count(*) filter (is_request), {status_counts()}, sum(received_bytes), sum(sent_bytes),
        list(latency) filter (latency is not null) from every_event where {where}"""
    )
    assert found["requests"] == requests
    assert [found["statuses"][name] for name in names] == statuses
    assert (found["received_bytes"], found["sent_bytes"]) == (received or 0, sent or 0)
    close(found.get("latency"), latency or [], world.figures["bounds"]["percentile_relative_error"])
    unseen = (world.figures.get("slowest_paths") or {"unseen": 0})["unseen"]
    check_slow(world, found.get("slowest_paths", []), where, 5, unseen)


def check_slow(world: World, found: list[dict], where: str, shown: int, unseen: int = 0) -> int:
    """Checks the slowest paths; returns the number of paths with enough requests."""
    bound = world.figures["bounds"]["percentile_relative_error"]
    expected = {}
    for host, path, latency in world.rows(
        f"""select host, case when path is null then null else split_part(path, '/', 2) end, list(latency)
        from every_event where latency is not null and {where} group by 1, 2"""
    ):
        expected.setdefault((cut(host), cut(path)), []).extend(latency)
    for row in found:
        values = expected[row["host"], row["part"]]
        if row["latency"]["count"] == len(values):
            close(row["latency"], values, bound)
        assert len(values) - unseen <= row["latency"]["count"] <= len(values)
    enough = {key: percentiles(values)["p95"] for key, values in expected.items() if len(values) >= 20}
    keys = [(row["host"], row["part"]) for row in found]
    found_slow = [row["latency"]["p95"] for row in found]
    assert found_slow == sorted(found_slow, reverse=True)
    if not unseen:
        assert len(found) == min(shown, len(enough))
        for key, p95 in enough.items():
            assert key in keys or p95 * (1 - bound) <= found_slow[-1] * (1 + 1e-9)
    return len(enough)


def test_requests_by_load_balancer_and_target_group(world):
    figures = world.figures
    total = figures.get("requests")
    if world.rows("select count(*) from every_event where is_request") == [(0,)]:
        assert total is None
    else:
        found = total
        names = list(found["statuses"])
        ((requests, *statuses, received, sent, latency),) = world.rows(
            f"""select count(*), {status_counts()}, sum(received_bytes), sum(sent_bytes),
            list(latency) filter (latency is not null) from every_event where is_request"""
        )
        assert found["requests"] == requests and [found["statuses"][name] for name in names] == statuses
        assert (found["received_bytes"], found["sent_bytes"]) == (received or 0, sent or 0)
        close(found.get("latency"), latency or [], figures["bounds"]["percentile_relative_error"])
    balancers = figures["load_balancers"]
    access = "source in ('alb_access_log', 'clb_access_log', 'nlb_access_log')"
    expected = world.counts(f"select source, elb, count(*) from every_event where {access} group by 1, 2")
    assert balancers["distinct"] == len(expected) and balancers["unseen"] == 0
    for row in balancers["rows"]:
        name = row["name"]
        where = f"source = '{row['table']}' and elb is not distinct from {quoted(name)}"
        check_requests(world, row, where)
        assert row["requests"] + row["connections"] == expected[row["table"], name]
    groups = figures.get("target_groups")
    expected = world.counts("select target_group_arn, count(*) from alb_access_log group by 1")
    ranked(world, groups, lambda row: (row["arn"],), "requests", expected)
    for row in groups["rows"] if groups else []:
        assert row["name"] == (row["arn"] and (row["arn"].split("/") + [""])[1])
        check_requests(world, row, f"source = 'alb_access_log' and target_group is not distinct from {quoted(row['arn'])}")


def quoted(text: str | None) -> str:
    return "null" if text is None else "'" + text.replace("'", "''") + "'"


def test_the_slowest_paths(world):
    slowest = world.figures.get("slowest_paths")
    rows, unseen = (slowest["rows"], slowest["unseen"]) if slowest else ([], 0)
    number = check_slow(world, rows, "true", 20, unseen)
    assert unseen or (slowest["distinct"] if slowest else 0) == number


TOPS = {
    "paths": ("path", "is_request"),
    "hosts": ("host", "is_request"),
    "user_agents": ("user_agent", "is_request"),
    "clients": ("client_ip", "source in ('alb_access_log', 'clb_access_log', 'nlb_access_log')"),
}


@pytest.mark.parametrize("name", TOPS)
def test_top_lists(world, name):
    column, where = TOPS[name]
    counts, others = Counter(), {}
    for value, count, *values in world.rows(
        f"""select {column}, count(*), count(*) filter (is_request and status between 400 and 499),
        count(*) filter (is_request and status >= 500), sum(received_bytes), sum(sent_bytes), max(epoch_us(t))
        from every_event where {where} group by 1"""
    ):
        key = cut(value)
        counts[key] += count
        before = others.get(key, (0, 0, 0, 0, 0))
        others[key] = (*(a + (b or 0) for a, b in zip(before[:4], values[:4], strict=True)), max(before[4], values[4]))
    figure = world.figures.get(name)
    ranked(world, figure, lambda row: row["value"], "requests", counts)
    for row in figure["rows"] if figure else []:
        exact = row["requests"] == counts[row["value"]]
        found = tuple(row[field] for field in ("client_errors", "server_errors", "received_bytes", "sent_bytes"))
        assert found == others[row["value"]][:4] if exact else all(map(int.__le__, found, others[row["value"]][:4]))
        assert micros(row["last"]) == others[row["value"]][4]
    if figure and not figure["unseen"]:
        order = sorted(counts, key=lambda value: (-counts[value], value is None, (value or "").encode()))
        assert [row["value"] for row in figure["rows"]] == order[:25]


def test_actions_redirects_waf_and_authentication(world):
    figures = world.figures
    actions = world.rows(
        """select action, count(*), count(*) filter (elb_status_code < 400),
        count(*) filter (elb_status_code between 400 and 499), count(*) filter (elb_status_code >= 500)
        from alb_access_log cross join unnest(actions_executed) as actions (action) group by 1"""
    )
    ranked(world, figures.get("actions"), lambda row: row["action"], "requests", {row[0]: row[1] for row in actions})
    expected = {action: tuple(rest) for action, _, *rest in actions}
    for row in figures["actions"]["rows"] if actions else []:
        assert (row["fine"], row["client_errors"], row["server_errors"]) == expected[row["action"]]
    redirects = world.counts(
        "select status, not by_target, count(*) from every_event where is_request and status between 300 and 399 group by 1, 2"
    )
    ranked(world, figures.get("redirects"), lambda row: (row["status"], row["by_load_balancer"]), "requests", redirects)
    ((evaluated, blocked, failed),) = world.rows(
        """select count(*) filter (list_contains(actions_executed, 'waf')), count(*) filter (actions_executed[-1] = 'waf'),
        count(*) filter (list_contains(actions_executed, 'waf-failed')) from alb_access_log"""
    )
    expected = {"evaluated": evaluated, "blocked": blocked, "failed": failed} if evaluated + failed else None
    assert figures.get("waf") == expected
    authenticates = "action like 'authenticate%' or action like 'jwt%'"
    ((requests, passed, sent),) = world.rows(
        f"""with r as (select elb_status_code as status, len(list_filter(actions_executed, lambda action: {authenticates})) > 0 as auth,
        len(list_filter(actions_executed[-1:], lambda action: {authenticates})) > 0 as last from alb_access_log)
        select count(*) filter (auth), count(*) filter (auth and not last),
        count(*) filter (auth and last and status between 300 and 399) from r"""
    )
    found = {"requests": requests, "passed": passed, "sent_to_log_in": sent, "failed": requests - passed - sent}
    assert figures.get("authentication") == (found if requests else None)


def test_errors_of_load_balancers_and_their_reasons(world):
    figures = world.figures
    reasons = world.counts(
        """select error_reason, elb_status_code, count(*) from alb_access_log
        where error_reason is not null and elb_status_code is not null group by 1, 2"""
    )
    ranked(world, figures.get("error_reasons"), lambda row: (row["reason"], row["status"]), "requests", reasons)
    causes = world.counts(
        """select status, reason, last_action, count(*) from every_event
        where is_request and status >= 400 and not by_target group by 1, 2, 3"""
    )
    by_status = Counter()
    for (status, _, _), count in causes.items():
        by_status[status] += count
    errors = figures.get("own_errors")
    ranked(world, errors, lambda row: row["status"], "requests", by_status)
    for row in errors["rows"] if errors else []:
        found = {(row["status"], cause.get("reason"), cause.get("last_action")): cause["requests"] for cause in row["causes"]}
        assert found == {key: count for key, count in causes.items() if key[0] == row["status"]}
        assert row.get("meaning") or row["status"] not in (460, 463, 502, 503, 504)


def test_tls(world):
    tls = world.figures.get("tls")
    sessions = world.rows(
        """select source, protocol, cipher, count(*), list(handshake) filter (handshake is not null) from every_event
        where protocol is not null or cipher is not null group by 1, 2, 3"""
    )
    ((failed,),) = world.rows("select count(*) filter (failed) from every_event")
    if not sessions and not failed:
        assert tls is None
        return
    assert tls["failed_handshakes"] == failed
    protocols, handshakes, ciphers = Counter(), {}, {}
    for source, protocol, cipher, count, handshake in sessions:
        if protocol is not None:
            protocols[source, protocol] += count
            handshakes.setdefault((source, protocol), []).extend(handshake or [])
        if cipher is not None:
            ciphers[source, protocol, cipher] = count
    ranked(world, tls["protocols"], lambda row: (row["table"], row["protocol"]), "events", protocols)
    old = {"TLSv1.1", "TLSv1", "SSLv3", "SSLv2", "tlsv11", "tlsv1", "tlsv10", "sslv3"}
    for row in tls["protocols"]["rows"]:
        assert row["deprecated"] == (row["protocol"] in old)
        bound = world.figures["bounds"]["percentile_relative_error"]
        close(row.get("handshake"), handshakes[row["table"], row["protocol"]], bound)
    ranked(world, tls["ciphers"], lambda row: (row["table"], row["protocol"], row["cipher"]), "events", ciphers)
    exchanges = world.counts(
        "select source, key_exchange, count(*) from every_event where key_exchange is not null group by 1, 2"
    )
    ranked(world, tls.get("key_exchanges"), lambda row: (row["table"], row["name"]), "connections", exchanges)
    for row in (tls.get("key_exchanges") or {"rows": []})["rows"]:
        assert row["post_quantum"] == ("mlkem" in row["name"].lower())
    failures = world.counts("select source, elb, failure, count(*) from every_event where failed group by 1, 2, 3")
    ranked(
        world, tls.get("failures"), lambda row: (row["table"], row["load_balancer"], row["reason"]), "connections", failures
    )


def test_health_checks_and_their_transitions(world):
    health = world.figures.get("health")
    ((checks, failed),) = world.rows("select count(*), count(*) filter (status = 'FAIL') from alb_health_check_log")
    if not checks:
        assert health is None
        return
    assert (health["checks"], health["failed"]) == (checks, failed)
    transitions = world.rows((ROOT / "queries/alb_health_check_log/health_transitions.sql").read_text().rsplit("order by", 1)[0])
    assert health["transitions"] == len(transitions)
    by_target = Counter((row[1], row[2]) for row in transitions)
    times = sorted((int(row[0].timestamp() * 1e6 + 0.5) for row in transitions), reverse=True)
    latest = health.get("latest_transitions", [])
    assert [micros(row["time"]) for row in latest] == times[:50]
    known = {
        (int(row[0].timestamp() * 1e6 + 0.5), row[1], row[2], row[3], row[4], row[5], row[6]) for row in transitions
    }
    for row in latest:
        key = ("target_group", "target", "before", "after")
        assert (micros(row["time"]), *(row[name] for name in key), row.get("reason"), row["node"]) in known
    targets = world.rows(
        """select target_group_id, target_addr, count(*), count(*) filter (status = 'FAIL'),
        max(epoch_us("timestamp")) filter (status = 'FAIL'), list(latency) filter (status = 'PASS' and latency is not null)
        from alb_health_check_log group by 1, 2 order by 4 desc, 3 desc"""
    )
    reasons = world.counts(
        "select target_group_id, target_addr, reason_code, count(*) from alb_health_check_log where status = 'FAIL' group by 1, 2, 3"
    )
    assert health["targets"]["distinct"] == len(targets) and health["targets"]["unseen"] == 0
    expected = {(row[0], row[1]): row[2:] for row in targets}
    assert [(row["failed"], row["checks"]) for row in health["targets"]["rows"]] == [(row[3], row[2]) for row in targets[:50]]
    for row in health["targets"]["rows"]:
        key = (row["target_group"], row["target"])
        checks, failed, last, latency = expected[key]
        assert (row["checks"], row["failed"]) == (checks, failed)
        assert (micros(row["last_failure"]) if failed else None) == last
        close(row.get("latency"), latency or [], world.figures["bounds"]["percentile_relative_error"])
        found = {(*key, reason["reason"]): reason["failed"] for reason in row.get("reasons", [])}
        assert found == {reason: count for reason, count in reasons.items() if reason[:2] == key}
        assert row["transitions"] == by_target[key]


def test_suspicious_requests_are_those_of_the_query_pack(world):
    suspicious = world.figures.get("suspicious") or {}
    attempts = world.rows(INJECTIONS.read_text().rsplit("limit", 1)[0])
    expected = {}
    for row in attempts:
        requests, fine = expected.get(row[1], (0, 0))
        expected[row[1]] = (requests + 1, fine + (row[3] is not None and row[3] < 400))
    found = {row["kind"]: (row["requests"], row["fine"]) for row in suspicious.get("attempts", [])}
    assert found == expected
    names = ("kind", "client", "status", "verb")
    latest = [
        (micros(row["time"]), *(row[name] for name in names), row["url"]) for row in suspicious.get("latest_attempts", [])
    ]
    assert latest == [(int(row[0].timestamp() * 1e6 + 0.5), *row[1:5], cut(row[5])) for row in attempts[:20]]
    if not (world.figures.get("clients") or {}).get("unseen"):
        scanners = world.rows(SCANNERS.read_text().rsplit("limit", 1)[0])
        figure = suspicious.get("scanners") or {"rows": [], "distinct": 0}
        assert figure["distinct"] == len(scanners)
        found = [
            (row["client"], row["requests"], row["paths_refused"], row["as_scanner"], micros(row["last"]))
            for row in figure["rows"]
        ]
        shown = [(*row[:2], min(row[2], 100), row[3], int(row[4].timestamp() * 1e6 + 0.5)) for row in scanners]
        assert found == sorted(shown, key=lambda row: (-row[3], -row[2], row[0]))[:25]
    desync = world.counts(
        """select classification, classification_reason, count(*) from alb_access_log where classification is not null
        group by 1, 2"""
    )
    ranked(world, suspicious.get("desync"), lambda row: (row["classification"], row["reason"]), "requests", desync)


def test_the_crowd_exceeds_what_is_counted_exactly(report, tmp_path):
    figures = report(crowd(tmp_path / "in"))
    assert all(figures[name]["unseen"] > 0 for name in ("paths", "clients", "user_agents", "hosts"))


def test_the_figures_do_not_depend_on_threads(report, many, tmp_path):
    inputs = (many, crowd(tmp_path / "crowd"), OBJECTS)
    one = report(*inputs, "--jobs", 1)
    assert all(report(*inputs, "--jobs", jobs) == one for jobs in (2, 7))


def test_stdin_is_read_like_a_file(report, program, tmp_path):
    log = next(OBJECTS.rglob("*.log")).read_bytes()
    (tmp_path / "one.log").write_bytes(log)
    done = subprocess.run([program, "report", "-", "--format", "json"], input=log, capture_output=True, check=True, env={})
    assert json.loads(done.stdout) == report(tmp_path / "one.log")


def test_objects_are_selected_by_their_times(report, ingest, tmp_path):
    interval = ("--from", "2026-10-07", "--to-time", "2026-10-08")
    figures = report(OBJECTS, *interval, "--title", "a day")
    run = ingest(*interval)
    assert figures["title"] == "a day"
    assert figures["read"]["events"] == run.report["events"] > 0
    skipped = {row["reason"]: row["objects"] for row in figures["read"]["skipped"]}
    assert skipped == run.report["skipped_objects"]
    malformed = {(row["table"], row["reason"], row.get("field")): row["lines"] for row in report(OBJECTS)["read"]["malformed"]}
    expected = {
        (table, reason["reason"], reason["field"]): reason["lines"]
        for table, counts in ingest().report["tables"].items()
        for reason in counts["reasons"]
    }
    assert malformed == expected


def test_an_object_that_cannot_be_read_contributes_nothing(program, report, tmp_path):
    good = next(OBJECTS.rglob("*app*.log.gz"))
    (tmp_path / "good.log.gz").write_bytes(good.read_bytes())
    before = report(tmp_path / "good.log.gz")
    (tmp_path / "other.log").write_text("this is not a log\n" * 30)
    command = [program, "report", tmp_path, "--format", "json"]
    done = subprocess.run(command, capture_output=True, env={})
    figures = json.loads(done.stdout)
    assert done.returncode == 1
    assert figures["read"].pop("failed") == 1 and len(figures["read"].pop("failures")) == 1
    before["read"].pop("failed")
    assert figures == before


def test_a_truncated_object_is_read_as_by_a_run(report, ingest, tmp_path):
    """It is read twice: its fault is known only after its events were counted."""
    whole = max(OBJECTS.rglob("*app*.log.gz"), key=lambda path: path.stat().st_size).read_bytes()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cut.log.gz").write_bytes(whole[: len(whole) // 2])
    figures, run = report(tmp_path / "in"), ingest(objects=tmp_path / "in").report
    assert figures["read"]["corrupt"] == run["objects"]["corrupt"] == 1
    assert figures["requests"]["requests"] == figures["read"]["events"] == run["events"] > 0
    assert figures["read"]["corruptions"][0]["error"] == run["corrupt_objects"][0]["error"]


def test_a_page_is_not_overwritten(program, tmp_path):
    (tmp_path / "report.html").write_text("mine")
    command = [program, "report", OBJECTS, "--to", tmp_path / "report.html"]
    done = subprocess.run(command, capture_output=True, env={})
    assert done.returncode == 2 and b"exists already" in done.stderr
    assert (tmp_path / "report.html").read_text() == "mine"
