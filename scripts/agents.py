"""Writes data/uap-core/*.tsv and data/crawler-user-agents/bots.tsv from the published lists.

    scripts/agents.py uap REGEXES.YAML VERSION
    scripts/agents.py bots CRAWLER-USER-AGENTS.JSON VERSION

uap-core: of each rule the regular expression and the replacement, in order: the first that matches counts. Rules for devices and for
versions are left out.

crawler-user-agents: of each entry the kind, a name, and the literal texts that its pattern matches, or the pattern if there is no finite
number of them. The list has no names, so a name is the pattern without its syntax.
"""

import json
import re
import sys
from pathlib import Path
from re import _constants as sre
from re import _parser as parser

DATA = Path(__file__).parent.parent / "data"
# The maximum number of texts that a pattern is written out as.
MAX_TEXTS = 16
# Which tag counts if an entry has several: the one that says most about why a request was made.
ORDER = [
    "ai-crawler",
    "search-engine",
    "scanner",
    "monitoring",
    "social-preview",
    "feed-reader",
    "archiver",
    "seo",
    "advertising",
    "academic",
    "browser-automation",
    "http-library",
]
# Names of patterns whose text is not a name.
NAMES = {
    r"(^| )sentry\/": "sentry",
    r"(^| )PTST\/": "PTST",
    r"AdsBot-Google([^-]|$)": "AdsBot-Google",
    r"Mediapartners \(Googlebot\)": "Mediapartners-Google",
    r"BlogTraffic\/\d\.\d+ Feed-Fetcher": "BlogTraffic Feed-Fetcher",
    r"ContextualBot[\s\S]*outcomes\.net": "ContextualBot",
    r"Current[\s\S]*RSS Reader": "Current RSS Reader",
    r"Spider[\s\S]*spider\.com": "Spider",
    r"[cC]laude[bB]ot": "ClaudeBot",
    r"yandex\.com\/bots": "YandexBot",
    r"[wW]get": "Wget",
}


def texts(pattern: str) -> list[str] | None:
    """Returns the texts that a pattern matches, or None if they are too many or depend on their surroundings."""

    def of(items) -> list[str] | None:
        found = [""]
        for op, value in items:
            if op is sre.LITERAL:
                more = [chr(value)]
            elif op is sre.IN and all(kind is sre.LITERAL for kind, _ in value):
                more = [chr(char) for _, char in value]
            elif op is sre.SUBPATTERN:
                more = of(value[3])
            elif op is sre.BRANCH:
                branches = [of(branch) for branch in value[1]]
                more = None if None in branches else [text for branch in branches for text in branch]
            else:
                return None
            if more is None:
                return None
            found = [text + end for text in found for end in more]
            if len(found) > MAX_TEXTS:
                return None
        return found

    return of(parser.parse(pattern))


def name(pattern: str, literals: list[str] | None) -> str:
    text = NAMES.get(pattern) or (literals[0] if literals else re.sub(r"\[\\s\\S\]\*|\\d\S*|[\\^$]", " ", pattern))
    return " ".join(text.split()).strip(" /(),;:\"'") or text.strip()


def cell(text: str) -> str:
    if "\t" in text or "\n" in text:
        sys.exit(f"a tab or a line break in {text!r}")
    return text


def write(path: Path, comment: str, rows: list[list[str]]) -> None:
    lines = ["\t".join(map(cell, row)).rstrip("\t") for row in rows]
    path.write_text(f"# {comment}\n" + "\n".join(lines) + "\n")
    print(f"{path.relative_to(DATA.parent)}: {len(lines)} rows")


def uap(source: str, version: str) -> None:
    import yaml

    rules = yaml.safe_load(Path(source).read_text())
    comment = f"uap-core {version}, Copyright 2009 Google Inc., Apache License 2.0. Made by scripts/agents.py: regular expression, {{}}."
    for section, replacement, file in [
        ("user_agent_parsers", "family_replacement", "families"),
        ("os_parsers", "os_replacement", "systems"),
    ]:
        rows = [[rule["regex"], rule.get(replacement) or ""] for rule in rules[section]]
        write(DATA / "uap-core" / f"{file}.tsv", comment.format(replacement), rows)


def bots(source: str, version: str) -> None:
    rows = []
    for entry in json.loads(Path(source).read_text()):
        tags = entry["tags"]
        if unknown := set(tags) - set(ORDER):
            sys.exit(f"unknown tags: {unknown}")
        literals = texts(entry["pattern"])
        kind = min(tags, key=ORDER.index)
        forms = literals if literals else ["", entry["pattern"]]
        rows.append([kind, name(entry["pattern"], literals), *forms])
    comment = f"crawler-user-agents {version}, Copyright (c) 2017 Martin Monperrus, MIT License. Made by scripts/agents.py: kind, name, literal texts (or an empty cell and a regular expression)."
    write(DATA / "crawler-user-agents" / "bots.tsv", comment, rows)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("uap", "bots"):
        sys.exit(__doc__)
    {"uap": uap, "bots": bots}[sys.argv[1]](sys.argv[2], sys.argv[3])
