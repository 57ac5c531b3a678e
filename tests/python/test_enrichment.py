"""The columns on request: their values, and that `alb-ingest schema --enrich` describes the files of `run --enrich`."""

import ipaddress
import json
import math
import re
from functools import cache
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator
from output import ROOT, TABLES, Output
from schemas import TABULAR, at, hive_type
from test_ocsf import VALIDATORS

NAMES = (
    "status_class,total_time,tls_version,request_query,user_agent_family,user_agent_os,bot_name,bot_kind,client_country,client_asn"
)


def word(text: str) -> bytes:
    """A text of less than 29 bytes in MaxMind's format."""
    return bytes([0x40 | len(text)]) + text.encode()


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    """A database with one record for every address: https://maxmind.github.io/MaxMind-DB/"""
    record = b"\xe2" + word("country") + b"\xe1" + word("iso_code") + word("DE")
    record += word("autonomous_system_number") + b"\xc4" + (64_496).to_bytes(4)
    numbers = {"binary_format_major_version": 2, "binary_format_minor_version": 0, "ip_version": 6, "record_size": 24}
    metadata = b"".join(word(name) + b"\xa2" + number.to_bytes(2) for name, number in numbers.items())
    metadata += word("node_count") + b"\xc1\x01" + word("build_epoch") + b"\x01\x02\x01" + word("database_type") + word("Test")
    metadata += word("description") + b"\xe0" + word("languages") + b"\x00\x04"
    path = tmp_path_factory.mktemp("database") / "test.mmdb"
    # Both branches of the only node lead to the record at the start of the data.
    path.write_bytes(b"\0\0\x11" * 2 + bytes(16) + record + b"\xab\xcd\xefMaxMind.com\xe9" + metadata)
    return path


@pytest.fixture(scope="module")
def enriched(ingest, hostile_objects, database):
    """Returns a function that ingests the hostile objects with every column, once for each schema and format."""

    @cache
    def run(schema: str, form: str) -> Output:
        flags = ("--enrich", NAMES, "--geo-database", str(database))
        return ingest("--schema", schema, "--format", form, *flags, objects=hostile_objects)

    return run


@pytest.mark.parametrize("schema", TABULAR)
def test_definitions_have_the_columns_of_the_files(command, enriched, schema):
    output = enriched(schema, "parquet")
    for table in TABLES:
        flags = (table, "--schema", schema, "--enrich", NAMES)
        made = json.loads(command("schema", *flags, "--as", "glue").stdout)
        expected = [(column["Name"], column["Type"]) for column in made["StorageDescriptor"]["Columns"]]
        for file in output.files(table):
            assert expected == [(field.name.lower(), hive_type(field.type)) for field in pq.read_schema(file.path)]
        plain = command("schema", table, "--schema", schema).stdout
        shown = command("schema", *flags).stdout
        assert (shown == plain) == (table == "alb_health_check_log")


@pytest.mark.parametrize("schema", TABULAR)
def test_events_are_valid(command, enriched, schema):
    output = enriched(schema, "json")
    for table in TABLES:
        rules = json.loads(command("schema", table, "--schema", schema, "--enrich", NAMES, "--as", "json-schema").stdout)
        validators = [Draft202012Validator(rules)]
        events = output.events(table)
        assert len(events) > 100
        for event in events:
            if schema == "ocsf":
                validators[1:] = [VALIDATORS[event["class_uid"]]]
            for validator in validators:
                problems = [(error.json_path, error.message) for error in islice(validator.iter_errors(event), 3)]
                assert not problems, problems


@pytest.mark.parametrize("schema", TABULAR)
def test_both_formats_have_the_same_events(enriched, schema):
    for table in TABLES:
        assert enriched(schema, "json").events(table) == enriched(schema, "parquet").rows(table)


# What DuckDB computes from the other columns.
IN_SQL = {
    "status_class": "case when elb_status_code between 100 and 599 then elb_status_code // 100 || 'xx' end",
    "total_time": "round(request_processing_time + {target}_processing_time + response_processing_time, 6)",
    "request_query": "nullif(regexp_extract(request_url, '^[^?#]*([?][^#]*)', 1), '')[2:]",
}


@pytest.mark.parametrize("table", ["alb_access_log", "clb_access_log"])
def test_duckdb_computes_the_same_from_the_other_columns(enriched, table):
    folder = enriched("native", "parquet").folder
    target = "target" if table == "alb_access_log" else "backend"
    with duckdb.connect() as connection:
        rows = f"read_parquet('{folder}/{table}/**/*.parquet')"
        pairs = ", ".join(f"{name}, {sql.format(target=target)}" for name, sql in IN_SQL.items())
        found = connection.execute(f"select {pairs} from {rows}").fetchall()
    assert len(found) > 100
    for row in found:
        for name, value, expected in zip(IN_SQL, row[::2], row[1::2], strict=True):
            if isinstance(value, float) and expected is not None:
                assert math.isclose(value, expected, rel_tol=1e-12), name
            else:
                assert value == expected, name
    for number, name in enumerate(IN_SQL):
        assert len({row[2 * number] for row in found}) > 2, name


TLS = {f"tls{digits}": f"TLSv1.{minor}" for minor in range(4) for digits in (f"1.{minor}", f"1{minor}")}
TLS |= {"tls1": "TLSv1.0", "ssl3": "SSLv3", "ssl3.0": "SSLv3", "ssl2": "SSLv2", "ssl2.0": "SSLv2"}
LOGGED = {
    "alb_access_log": "ssl_protocol", "alb_connection_log": "tls_protocol",
    "nlb_access_log": "tls_protocol_version", "clb_access_log": "ssl_protocol",
}  # fmt: skip


@pytest.mark.parametrize("table", LOGGED)
def test_python_computes_the_same_versions_and_places(enriched, table):
    events = enriched("native", "json").events(table)
    for event in events:
        version = re.sub(r"^(tls|ssl)v", r"\1", event.get(LOGGED[table], "").lower())
        assert event.get("tls_version") == TLS.get(version)
        place = (event.get("client_country"), event.get("client_asn"))
        assert place == (("DE", 64_496) if is_address(event.get("client_ip", "")) else (None, None))
    assert len({event.get("tls_version") for event in events}) > 1
    assert "DE" in {event.get("client_country") for event in events}


def is_address(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


AGENTS = """
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36 Edg/128.0.0.0
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15
Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (Linux; Android 13; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36
Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0
Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36
Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)
Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)
Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)
Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)
Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)
facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)
Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)
AdsBot-Google (+http://www.google.com/adsbot.html)
AdsBot-Google-Mobile-Apps
W3C-checklink/4.5 [4.160] libwww-perl/5.823
curl/8.5.0
not curl/8.5.0
Wget/1.21.4
python-requests/2.32.3
Go-http-client/2.0
okhttp/4.12.0
Apache-HttpClient/4.5.14 (Java/17.0.9)
ELB-HealthChecker/2.0
Amazon CloudFront
Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)
App/3.1 CFNetwork/1496.0.7 Darwin/23.5.0
no-such-agent
""".strip().splitlines()


def rows(path: str) -> list[list[str]]:
    return [row.split("\t") for row in (ROOT / "data" / path).read_text().splitlines()[1:]]


def first(rules: list[list[str]], agent: str) -> str | None:
    """Returns what the first rule that matches says, as uap-core defines it."""
    for regex, *replacement in rules:
        if match := re.search(regex, agent, re.ASCII):
            group = match[1] if match.re.groups and match[1] else ""
            return (replacement[0].replace("$1", group) if replacement else group).strip() or None
    return None


def bot(list_of_bots: list[list[str]], agent: str) -> tuple[str | None, str | None]:
    """Returns name and kind of the bot whose pattern matches the longest text; of several, the first in the list."""
    found = [(0, None, None)]
    for kind, name, *forms in list_of_bots:
        # An empty cell is before a regular expression.
        matches = [text for text in forms if text in agent] if forms[0] else [one[0] for one in re.finditer(forms[1], agent)][:1]
        found += [(len(text), name, kind) for text in matches]
    return max(found, key=lambda one: one[0])[1:]


def test_python_finds_the_same_agents(ingest, tmp_path):
    line = (
        'http 2026-10-07T11:45:00.186641Z app/shop/7f3c9a1e5b2d4860 192.0.2.10:40124 10.0.0.1:80 0.1 0.2 0.000 200 200 68 571 '
        '"GET http://www.example.com:80/ HTTP/1.1" "{}" - - - "Root=1-5" "-" "-" 0 2026-10-07T11:45:00.137000Z "forward" "-" "-" '
        '"10.0.0.1:80" "200" "-" "-" TID_1\n'
    )
    (tmp_path / "agents.log").write_text("".join(line.format(agent) for agent in AGENTS))
    names = "user_agent_family,user_agent_os,bot_name,bot_kind"
    flags = ("--format", "json", "--table", "alb_access_log", "--enrich", names)
    events = ingest(*flags, objects=tmp_path / "agents.log").events("alb_access_log")
    families, systems, bots = (rows(path) for path in ("uap-core/families.tsv", "uap-core/systems.tsv", "crawler-user-agents/bots.tsv"))
    assert [event["user_agent"] for event in events] == AGENTS
    for event, agent in zip(events, AGENTS, strict=True):
        expected = (first(families, agent), first(systems, agent), *bot(bots, agent))
        assert tuple(event.get(name) for name in names.split(",")) == expected, agent


def test_places_are_in_the_objects_of_the_standards(enriched):
    ecs, ocsf = (enriched(schema, "json").events("alb_access_log") for schema in ("ecs", "ocsf"))
    for path in ("source.geo.country_iso_code", "client.geo.country_iso_code"):
        assert {at(event, path) for event in ecs} >= {"DE"}
    for path in ("source.as.number", "client.as.number"):
        assert {at(event, path) for event in ecs} >= {64_496}
    assert {at(event, "src_endpoint.location.country") for event in ocsf} >= {"DE"}
    assert {at(event, "src_endpoint.autonomous_system.number") for event in ocsf} >= {64_496}
    assert any(at(event, "user_agent.name") for event in ecs) and any(at(event, "user_agent.os.name") for event in ecs)


def test_every_form_has_the_columns(command):
    for form in ("markdown", "arrow", "athena", "glue", "json-schema", "iceberg"):
        shown = command("schema", "alb_access_log", "--as", form, "--enrich", NAMES).stdout.decode()
        assert all(name in shown for name in NAMES.split(",")), form
        assert "sample_weight" not in shown
