"""The definitions for Panther and Elasticsearch fit the events that a run writes."""

import ipaddress
import json
import re
from datetime import datetime

import pytest
import yaml
from output import TABLES
from schemas import at, json_schema, text

CUSTOM = re.compile(r"Custom(\.[A-Z][A-Za-z0-9]+)+")
# The fields of Panther's AWS.ALB from which it collects indicators, and the lists of targets.
INDICATORS = {
    "alb_access_log": {
        "clientIp": "ip", "targetIp": "ip", "targetPortList": "net_addr", "domainName": "domain", "targetGroupArn": "aws_arn",
        "chosenCertArn": "aws_arn",
    },
    "alb_connection_log": {"clientIp": "ip"},
    "alb_health_check_log": {"targetIp": "ip", "ipAddress": "ip", "targetAddr": "aws_arn"},
    "nlb_access_log": {"clientIp": "ip", "destinationIp": "ip", "domainName": "domain", "chosenCertArn": "aws_arn"},
    "clb_access_log": {"clientIp": "ip", "backendIp": "ip"},
}  # fmt: skip
COLLECTED = {"ip": "p_any_ip_addresses", "net_addr": "p_any_ip_addresses", "domain": "p_any_domain_names", "aws_arn": "p_any_aws_arns"}


def is_address(value: str) -> bool:
    try:
        # A zone is not part of an address.
        return "%" not in value and bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def is_time(value: object) -> bool:
    return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).utcoffset() is not None


# Each type with its test.
PANTHER_TYPES = {
    "string": lambda value: isinstance(value, str),
    "bigint": lambda value: isinstance(value, int) and -(2**63) <= value < 2**63,
    "float": lambda value: isinstance(value, float),
    "timestamp": is_time,
    "array": lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
}
ELASTIC_TYPES = {
    "keyword": lambda value: isinstance(value, str),
    "wildcard": lambda value: isinstance(value, str),
    "ip": is_address,
    "long": lambda value: isinstance(value, int) and -(2**63) <= value < 2**63,
    "float": lambda value: isinstance(value, float) and abs(value) < 3.4e38,
    "date": is_time,
}


def custom_schema(table: str) -> dict:
    return yaml.safe_load(text("panther", table, "panther"))


@pytest.mark.parametrize("table", TABLES)
def test_the_custom_schema_of_panther_fits_every_event(shaped, table):
    schema = custom_schema(table)
    assert CUSTOM.fullmatch(schema["schema"]) and schema["description"] and schema["referenceURL"].startswith("https://docs.aws")
    fields = {field["name"]: field for field in schema["fields"]}
    assert list(fields) == list(json_schema("panther", table)["properties"])
    assert [name for name, field in fields.items() if field.get("isEventTime")] == ["timestamp"]
    required = {name for name, field in fields.items() if field.get("required")}
    assert required == set(json_schema("panther", table)["required"])
    assert ("elbStatusCode" in required) == (table == "alb_access_log")
    found = {name: field.get("indicators", field.get("element", {}).get("indicators")) for name, field in fields.items()}
    assert {name: [kind] for name, kind in INDICATORS[table].items()} == {name: kinds for name, kinds in found.items() if kinds}
    for field in fields.values():
        assert field["description"].endswith(".") and field["type"] in PANTHER_TYPES
        assert (field["type"] == "timestamp") == (field.get("timeFormats") == ["rfc3339"])
        assert (field["type"] == "array") == (field.get("element", {}).get("type") == "string")
    samples, hostile = shaped("panther", "json")
    for event in samples.events(table) + hostile.events(table):
        assert required <= set(event) <= set(fields)
        for name, value in event.items():
            assert PANTHER_TYPES[fields[name]["type"]](value), (event["eventId"], name, value)


def indicators(table: str, event: dict) -> dict[str, list[str]]:
    """Returns what Panther collects from an event by its schema."""
    found: dict[str, list[str]] = {}
    for name in event:
        kind = INDICATORS[table].get(name)
        if kind is None:
            continue
        for value in [event[name]] if isinstance(event[name], str) else event[name]:
            value = value.rpartition(":")[0].removeprefix("[").removesuffix("]") if kind == "net_addr" else value
            wanted = {"domain": bool(value) and not is_address(value), "aws_arn": value.startswith("arn:")}
            values = found.setdefault(COLLECTED[kind], [])
            if wanted.get(kind, is_address(value)) and value not in values:
                values.append(value)
    return {name: values for name, values in found.items() if values}


@pytest.mark.parametrize("table", TABLES)
def test_the_fields_that_panther_adds_have_the_indicators_of_the_schema(ingest, hostile_objects, shaped, table):
    settings = ("--schema", "panther", "--format", "json", "--panther-fields")
    events = [event for into in (ingest(*settings), ingest(*settings, objects=hostile_objects)) for event in into.events(table)]
    plain = [event for into in shaped("panther", "json") for event in into.events(table)]
    assert len(events) == len(plain) > 200
    some = set()
    for event in events:
        added = {name: event.pop(name) for name in list(event) if name.startswith("p_")}
        log_type = "AWS.ALB" if table == "alb_access_log" else custom_schema(table)["schema"]
        expected = {"p_log_type": log_type, "p_event_time": event["timestamp"], "p_row_id": event["eventId"]}
        assert added == {**expected, **indicators(table, event)}
        some |= set(added)
    by_id = {event["eventId"]: event for event in plain}
    assert all(by_id[event["eventId"]] == event for event in events)
    assert {name for name in some if name.startswith("p_any_")} == {COLLECTED[kind] for kind in INDICATORS[table].values()}


@pytest.mark.parametrize("table", TABLES)
def test_the_data_model_names_fields_of_the_schema(table):
    schema = custom_schema(table)
    model = yaml.safe_load(text("panther", table, "panther-data-model"))
    assert (model["AnalysisType"], model["Enabled"], model["LogTypes"]) == ("datamodel", True, [schema["schema"]])
    mappings = {mapping["Name"]: mapping["Path"] for mapping in model["Mappings"]}
    assert len(mappings) == len(model["Mappings"])
    assert set(mappings.values()) <= {field["name"] for field in schema["fields"]}
    assert {"source_ip", "destination_ip", "destination_port"} <= set(mappings)
    if table == "alb_access_log":
        # Those of Panther's own model of AWS.ALB.
        assert {"destination_ip": "targetIp", "source_ip": "clientIp", "user_agent": "userAgent"}.items() <= mappings.items()


@pytest.mark.parametrize("table", TABLES)
def test_the_index_template_fits_every_event(shaped, table):
    template = json.loads(text("ecs", table, "elasticsearch"))
    assert template["index_patterns"] == [f"{table}-*"]
    mappings = template["template"]["mappings"]

    def leaves(properties: dict, prefix: str = ""):
        for name, field in properties.items():
            if "properties" in field:
                yield from leaves(field["properties"], f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", field

    fields = dict(leaves(mappings["properties"]))
    assert fields["@timestamp"] == {"type": "date"} and fields["aws.elb.name"] == {"type": "keyword", "ignore_above": 1024}

    def names(event: dict, prefix: str = ""):
        for name, value in event.items():
            yield from names(value, f"{prefix}{name}.") if isinstance(value, dict) else [f"{prefix}{name}"]

    samples, hostile = shaped("ecs", "json")
    for event in samples.events(table) + hostile.events(table):
        # Otherwise Elasticsearch would guess types.
        assert set(names(event)) <= set(fields)
        for path, field in fields.items():
            value = at(event, path)
            for item in [] if value is None else value if isinstance(value, list) else [value]:
                assert ELASTIC_TYPES[field["type"]](item), (at(event, "event.id"), path, item)
