"""Evaluates the conditions and functions of a CloudFormation template for a choice of parameters.

References between resources remain, unless their values are given. It needs Python 3.9 or newer and nothing else, because
scripts/verify-deployment runs on the computers of operators.
"""

import re
from functools import cached_property

NOTHING = object()
"""The value of AWS::NoValue."""


class Evaluation:
    """The resources and outputs of a template whose conditions hold."""

    def __init__(self, source: dict, values: dict) -> None:
        """`values` are those of parameters and pseudo parameters, and of references to resources if they are known."""
        self.source, self.values = source, values
        self.conditions: dict = {}

    @cached_property
    def resources(self) -> dict:
        """The resources that exist, by name."""
        return self._existing("Resources")

    @cached_property
    def outputs(self) -> dict:
        """The outputs that exist, by name."""
        return self._existing("Outputs")

    def _existing(self, section: str) -> dict:
        """Returns the members of a section whose condition holds, resolved."""
        return {
            name: self.resolve({key: value for key, value in body.items() if key != "Condition"})
            for name, body in self.source.get(section, {}).items()
            if "Condition" not in body or self.holds(body["Condition"])
        }

    def holds(self, name: str) -> bool:
        """Returns whether a condition holds."""
        if name not in self.conditions:
            self.conditions[name] = self.truth(self.source["Conditions"][name])
        return self.conditions[name]

    def truth(self, node: dict) -> bool:
        """Evaluates a condition function."""
        ((function, argument),) = node.items()
        if function == "Condition":
            return self.holds(argument)
        if function == "Fn::Equals":
            left, right = (self.resolve(side) for side in argument)
            return str(left) == str(right)
        if function == "Fn::Contains":
            allowed, value = (self.resolve(side) for side in argument)
            return str(value) in map(str, allowed)
        truths = [self.truth(item) for item in argument]
        if function == "Fn::Not":
            (truth,) = truths
            return not truth
        # CloudFormation's limits.
        assert 2 <= len(truths) <= 10, argument
        return {"Fn::And": all, "Fn::Or": any}[function](truths)

    def resolve(self, node: object) -> object:
        """Returns a part of the template with the results of its functions."""
        if isinstance(node, list):
            return [value for item in node if (value := self.resolve(item)) is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((function, argument),) = node.items()
            if function == "Ref":
                return self._ref(argument)
            if function == "Fn::GetAtt":
                name = argument if isinstance(argument, str) else ".".join(argument)
                return self.values.get(name, node)
            if function == "Fn::If":
                name, then, other = argument
                return self.resolve(then if self.holds(name) else other)
            if function == "Fn::Sub":
                return self._sub(argument)
            if function == "Fn::FindInMap":
                mapping, first, second = (self.resolve(part) for part in argument)
                return self.source["Mappings"][mapping][str(first)][second]
            if function == "Fn::Select":
                index, items = argument[0], self.resolve(argument[1])
                return items[int(index)]
            if function == "Fn::Split":
                return self.resolve(argument[1]).split(argument[0])
        resolved = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in resolved.items() if value is not NOTHING}

    def _ref(self, name: str) -> object:
        return self.values.get(name, {"Ref": name})

    def _sub(self, argument: object) -> object:
        text, names = (argument, {}) if isinstance(argument, str) else argument
        names = {name: self.resolve(value) for name, value in names.items()}
        left = {}

        def value(match) -> str:
            name = match[1]
            if name.startswith("!"):
                return match[0]
            found = names.get(name, self._ref(name))
            if isinstance(found, dict):
                left[name] = found
                return match[0]
            assert found is not NOTHING, name
            return str(found)

        text = re.sub(r"\$\{([^}]+)\}", value, text)
        if not left:
            return text.replace("${!", "${")
        own = {name: found for name, found in left.items() if name in names}
        return {"Fn::Sub": [text, own] if own else text}
