"""The commands and files that a page shows, section by section."""

import re
import shlex

from choices import KEY
from samcli.cli.types import CfnParameterOverridesType
from stack import ROOT

RECIPES = "docs/guide/recipes.md"
LAKE = "docs/guide/security-lake.md"


def sections(page: str) -> dict[str, str]:
    """Returns the text of each section of a page, by heading."""
    parts = re.split(r"^## (.+)\n", (ROOT / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def blocks(text: str, language: str = "sh") -> list[str]:
    """Returns the blocks of code in a text."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def shown_files(text: str) -> dict[str, str]:
    """Returns the JSON files that a text shows, each after its name."""
    return dict(re.findall(r"`([\w-]+\.json)`:\n\n```json\n(.*?)```", text, re.DOTALL))


def deployments(text: str) -> list[dict[str, str]]:
    """Returns the parameters of each `sam deploy` in a text, as SAM reads them, with the names of Stack for its options."""
    found = []
    for line in "\n".join(blocks(text)).splitlines():
        words = shlex.split(line)
        if words[:2] != ["sam", "deploy"]:
            continue
        options, values = words[2 : words.index("--parameter-overrides")], words[words.index("--parameter-overrides") + 1 :]
        # SAM reads the file of defaults from the current directory.
        values = [value.replace("file://", f"file://{ROOT}/").replace("$key", KEY) for value in values]
        names = {"--region": "region", "--stack-name": "stack_name"}
        chosen = {names[name]: value for name, value in zip(options[::2], options[1::2], strict=True)}
        found.append(chosen | CfnParameterOverridesType().convert(tuple(values), None, None))
    return found
