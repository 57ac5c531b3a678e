"""Every event of the schema `ocsf` is valid against OCSF's definition of its class."""

import copy
import json
from itertools import islice

import pytest
from jsonschema import Draft202012Validator
from output import ROOT, TABLES
from schemas import at

CLASSES = {uid: json.loads((ROOT / f"tests/standards/ocsf/class-{uid}.json").read_text()) for uid in (4001, 4002)}
VALIDATORS = {uid: Draft202012Validator(rules) for uid, rules in CLASSES.items()}
TABLES_OF_CLASS = {
    4001: {"alb_connection_log", "alb_health_check_log", "clb_access_log", "nlb_access_log"},
    4002: {"alb_access_log", "clb_access_log"},
}
GONE = object()

# A path and an invalid value for it in a request to an Application Load Balancer.
SPOILED = [
    ("some_attribute", "text"),
    ("src_endpoint.some_attribute", "text"),
    ("unmapped", "text"),
    ("type_uid", 400_299),
    ("type_uid", 400_103),
    ("category_uid", 3),
    ("class_uid", GONE),
    ("time", GONE),
    ("time", "2026-10-07T11:42:13.123456Z"),
    ("time", 0.5),
    ("time_dt", "07/Oct/2026:11:42:13"),
    ("severity_id", GONE),
    ("metadata", GONE),
    ("metadata.version", GONE),
    ("metadata.version", "1.1.0"),
    ("metadata.product.vendor_name", GONE),
    ("metadata.profiles", ["cloud", "datetime", "load_balancer"]),
    ("metadata.profiles", ["cloud", "datetime", "load_balancer", "security_control", "host"]),
    ("cloud.provider", GONE),
    ("load_balancer.name", 7),
    ("dst_endpoint", GONE),
    ("dst_endpoint", {}),
    ("http_request", GONE),
    ("http_response", GONE),
    ("http_response.code", GONE),
    ("http_response.code", "200"),
    ("http_request.http_method", "PURGE"),
    ("http_request.length", 2**31),
    ("http_request.url.hostname", "a_b.example.com"),
    ("http_request.url.hostname", None),
    ("tls.version", GONE),
    ("src_endpoint.ip", "192.0.2.1:80"),
    ("src_endpoint.port", 65_536),
    ("status", "Failed"),
    ("status_id", 7),
    ("action", "Blocked"),
    ("action_id", GONE),
    ("activity_name", "GET"),
    ("class_name", "Network Activity"),
    ("type_name", None),
    ("duration", None),
    ("connection_info.direction", "inbound"),
    ("observables", []),
]


def test_the_definitions_are_json_schemas():
    for rules in CLASSES.values():
        Draft202012Validator.check_schema(rules)


def canonical(event: dict) -> str:
    """A text that is equal for equal events."""
    return json.dumps(event, sort_keys=True)


@pytest.mark.parametrize("table", TABLES)
def test_every_event_is_valid_in_its_class(shaped, table):
    in_json, in_parquet = (shaped("ocsf", "json").events(table), shaped("ocsf", "parquet").rows(table))
    assert len(in_json) == len(in_parquet) > 200
    # A row of Parquet that equals an event in JSON is validated once.
    classes = set()
    for event in map(json.loads, {canonical(event) for event in in_json + in_parquet}):
        assert event["metadata"]["log_name"] == table
        classes.add(event["class_uid"])
        problems = [(error.json_path, error.message) for error in islice(VALIDATORS[event["class_uid"]].iter_errors(event), 3)]
        assert not problems, (event["metadata"]["uid"], problems)
    assert classes == {uid for uid, tables in TABLES_OF_CLASS.items() if table in tables}


@pytest.mark.parametrize("table", TABLES)
def test_the_load_balancer_is_the_application_and_the_instance_of_the_product(shaped, table):
    natives, events = (shaped(schema, "json").events(table) for schema in ("native", "ocsf"))
    assert any("elb" in native for native in natives)
    for native, event in zip(natives, events, strict=True):
        assert event.get("app_name") == at(event, "metadata.product.uid") == native.get("elb"), native["event_id"]


@pytest.fixture(scope="module")
def request_event(shaped) -> dict:
    """A request that has a value at every path in SPOILED."""
    places = [place for place, _ in SPOILED if place not in ("some_attribute", "src_endpoint.some_attribute", "observables")]
    events = shaped("ocsf", "json").samples.events("alb_access_log")
    return next(event for event in events if all(at(event, place) is not None for place in places))


@pytest.mark.parametrize(("place", "value"), SPOILED)
def test_a_spoiled_event_is_invalid(request_event, place, value):
    event = copy.deepcopy(request_event)
    assert VALIDATORS[4002].is_valid(event)
    *groups, name = place.split(".")
    group = event
    for step in groups:
        group = group[step]
    if value is GONE:
        del group[name]
    else:
        group[name] = value
    assert not VALIDATORS[4002].is_valid(event)


def test_requests_and_connections_are_distinct_classes(shaped, request_event):
    connection = shaped("ocsf", "json").samples.events("alb_connection_log")[0]
    assert VALIDATORS[4001].is_valid(connection) and not VALIDATORS[4002].is_valid(connection)
    assert not VALIDATORS[4001].is_valid(request_event)
    # A connection does not have the profile of security controls.
    assert not VALIDATORS[4001].is_valid({**connection, "action_id": 1, "action": "Allowed"})
