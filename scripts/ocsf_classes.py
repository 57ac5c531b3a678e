#!/usr/bin/env python3
"""Writes the JSON Schemas of the OCSF classes that events are validated against: tests/standards/ocsf/class-*.json.

The source is OCSF's export of version 1.3.0 (https://schema.ocsf.io/1.3.0/export/schema), which is part of the PyPI package
`ocsf-json-schema`. In the export, a class has the attributes of everything it extends and includes, and of each profile.
`make ocsf-classes` installs the package and runs this script.

Each file is self-contained, uses draft 2020-12, and is as strict as the export allows:

- Types are checked with their length, range, pattern and enumeration. Attributes that OCSF does not define are rejected,
  except in the type of `unmapped`, the only open object.
- Required attributes are required, including those that a constraint requires.
- Only the profiles in PROFILES are accepted. The attributes of a profile are required if `metadata.profiles` lists it, and
  rejected otherwise.
- Only the objects in OBJECTS are expanded. Other objects and deprecated attributes are rejected: the project never emits them.
- `class_uid`, `category_uid` and `type_uid` are consistent with `activity_id`, and the name next to a number is the name of
  that number, except for 99 (other), whose name is free.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "tests" / "standards" / "ocsf"
VERSION = "1.3.0"
EXPORT_SHA256 = "161ae7ed5afd5cb942afe4175d9c05a17fe8af1645ef763a0c5ed4201ccc9e64"
CLASSES = ("http_activity", "network_activity")
PROFILES = ("cloud", "datetime", "load_balancer", "security_control")
OBJECTS = (
    "account", "autonomous_system", "cloud", "feature", "http_request", "http_response", "load_balancer", "location", "metadata",
    "network_connection_info", "network_endpoint", "network_traffic", "object", "product", "tls", "url",
)  # fmt: skip
PRIMITIVES = {"boolean_t": "boolean", "integer_t": "integer", "long_t": "integer", "float_t": "number", "string_t": "string"}
LIMITS = {"integer_t": (-(2**31), 2**31 - 1), "long_t": (-(2**63), 2**63 - 1)}
CONSTRAINTS = {"at_least_one": "anyOf", "just_one": "oneOf"}
# Name attributes whose name is not that of the number without `_id`.
CAPTIONS = {
    "class_uid": "class_name", "category_uid": "category_name", "type_uid": "type_name", "activity_id": "activity_name",
}  # fmt: skip
# The number with a free name.
OTHER = 99
COMMENT = (
    "Compiled from the Open Cybersecurity Schema Framework's schema export; Apache License 2.0, Copyright OCSF a Series of "
    "LF Projects, LLC. Changed: cut to the objects in use, descriptions left out."
)

Json = dict[str, object]


def export() -> Json:
    """Returns OCSF's export, after checking its digest."""
    data = (resources.files("ocsf_json_schema") / "ocsf" / f"{VERSION}.json").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != EXPORT_SHA256:
        raise SystemExit(f"ocsf_classes: the export of {VERSION} has SHA-256 {found}, expected {EXPORT_SHA256}")
    return json.loads(data)


def scalar(kind: str, enum: Json | None, types: Json) -> Json:
    """Returns the rule for a value of a type, with the limits of the type and of its primitive type."""
    if kind == "json_t":
        return {}
    primitive = kind if kind in PRIMITIVES else types[kind]["type"]
    rule: Json = {"type": PRIMITIVES[primitive]}
    if enum:
        values = sorted(map(int, enum)) if rule["type"] == "integer" else sorted(enum)
        return {"const": values[0]} if len(values) == 1 else {**rule, "enum": values}
    for limits in (types[primitive], types[kind]):
        if "max_len" in limits:
            rule["maxLength"] = limits["max_len"]
        if "range" in limits:
            rule["minimum"], rule["maximum"] = limits["range"]
        if "regex" in limits:
            rule["pattern"] = limits["regex"]
    if "minimum" not in rule and primitive in LIMITS:
        rule["minimum"], rule["maximum"] = LIMITS[primitive]
    return rule


def attribute_rule(attribute: Json, types: Json) -> Json | bool:
    """Returns the rule for an attribute; False if the attribute is rejected."""
    if "@deprecated" in attribute:
        return False
    if attribute["type"] != "object_t":
        rule = scalar(attribute["type"], attribute.get("enum"), types)
    elif attribute["object_type"] in OBJECTS:
        rule = {"$ref": f"#/$defs/{attribute['object_type']}"}
    else:
        return False
    return {"type": "array", "items": rule} if attribute.get("is_array") else rule


def captions(attributes: Json) -> Iterator[Json]:
    """Yields a rule for the name of each number."""
    for name, attribute in sorted(attributes.items()):
        default = CAPTIONS.get(name) or name.removesuffix("_id")
        caption = attribute.get("sibling") or default
        if not attribute.get("enum") or caption not in attributes or caption == name or attribute.get("is_array"):
            continue
        for number in sorted(map(int, attribute["enum"])):
            if number != OTHER:
                own = attribute["enum"][str(number)]["caption"]
                yield {
                    "if": {"required": [name], "properties": {name: {"const": number}}},
                    "then": {"properties": {caption: {"const": own}}},
                }


def item_rule(item: Json, types: Json, is_class: bool = False) -> Json:
    """Returns the rule for a class or an object. `profile_rules` has the required attributes of the profiles of a class."""
    attributes = {
        name: attribute
        for name, attribute in item["attributes"].items()
        if attribute.get("profile") is None or attribute["profile"] in PROFILES
    }
    if not attributes:
        return {"type": "object"}
    rule: Json = {
        "type": "object",
        "properties": {name: attribute_rule(attribute, types) for name, attribute in sorted(attributes.items())},
        "additionalProperties": False,
    }
    required = [
        name
        for name, attribute in sorted(attributes.items())
        if attribute.get("requirement") == "required" and not (is_class and attribute.get("profile"))
    ]
    if required:
        rule["required"] = required
    constraints = (item.get("constraints") or {}).items()
    rules = [{CONSTRAINTS[kind]: [{"required": [name]} for name in names]} for kind, names in constraints]
    rules.extend(captions(attributes))
    if rules:
        rule["allOf"] = rules
    return rule


def profile_rules(attributes: Json) -> Iterator[Json]:
    """Yields a rule for the attributes that each profile adds to a class."""
    for profile in PROFILES:
        own = {name: attribute for name, attribute in attributes.items() if attribute.get("profile") == profile}
        named = {"properties": {"profiles": {"contains": {"const": profile}}}, "required": ["profiles"]}
        yield {
            "if": {"properties": {"metadata": named}},
            "then": {"required": sorted(name for name in own if own[name].get("requirement") == "required")},
            "else": {"properties": {name: False for name in sorted(own)}},
        }


def type_rules(uid: int, attributes: Json) -> Iterator[Json]:
    """Yields a rule for the number that combines class and activity."""
    for activity in sorted(map(int, attributes["activity_id"]["enum"])):
        yield {
            "if": {"properties": {"activity_id": {"const": activity}}},
            "then": {"properties": {"type_uid": {"const": uid * 100 + activity}}},
        }


def definitions(rule: Json, source: Json, types: Json) -> Json:
    """Returns the rules for the objects that a rule refers to, directly or indirectly."""
    found: Json = {}
    wanted = named(rule)
    while missing := sorted(wanted - found.keys()):
        for name in missing:
            found[name] = item_rule(source["objects"][name], types)
            wanted |= named(found[name])
    return dict(sorted(found.items()))


def named(rule: Json) -> set[str]:
    """Returns the names of the objects that a rule refers to."""
    return set(re.findall(r'"#/\$defs/(\w+)"', json.dumps(rule)))


def class_rule(name: str, source: Json) -> Json:
    """Returns the schema of a class, with the objects that it refers to."""
    item = source["classes"][name]
    types = source["types"]
    metadata = {"version": {"const": source["version"]}, "profiles": {"items": {"enum": list(PROFILES)}}}
    rule = item_rule(item, types, is_class=True)
    more = [*profile_rules(item["attributes"]), *type_rules(item["uid"], item["attributes"])]
    rule["allOf"] = [*rule.get("allOf", []), *more, {"properties": {"metadata": {"properties": metadata}}}]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://schema.ocsf.io/schema/{source['version']}/classes/{name}?profiles={','.join(PROFILES)}",
        "title": f"OCSF {source['version']} {item['caption']} ({item['uid']})",
        "$comment": COMMENT,
        **rule,
        "$defs": definitions(rule, source, types),
    }


def main() -> None:
    """Writes the files."""
    source = export()
    for name in CLASSES:
        path = OUT / f"class-{source['classes'][name]['uid']}.json"
        path.write_text(json.dumps(class_rule(name, source), indent=1) + "\n")
        print(f"ocsf_classes: {path.relative_to(OUT.parents[2])}")


if __name__ == "__main__":
    main()
