"""Evaluates policy statements like IAM, for the elements and condition operators that the project's policies use."""

import re
from collections.abc import Iterable

from stack import listed


def matches(pattern: str, value: str) -> bool:
    """Returns whether a value matches a pattern with the wildcards of IAM."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value) is not None


def holds(condition: dict, context: dict[str, str]) -> bool:
    """Returns whether every operator of a condition holds. A key that is absent only satisfies an operator with IfExists."""
    for operator, keys in condition.items():
        kind = operator.removesuffix("IfExists")
        for key, wanted in keys.items():
            if key not in context:
                if operator == kind:
                    return False
                continue
            same = {
                "StringEquals": str.__eq__, "Bool": str.__eq__, "ArnEquals": matches, "ArnLike": matches, "StringLike": matches,
            }[kind]  # fmt: skip
            if not any(same(value, context[key]) for value in listed(wanted)):
                return False
    return True


def applies(statement: dict, principal: tuple[str, str] | None, action: str, resource: str, context: dict[str, str]) -> bool:
    """Returns whether a statement is about a request. Policies of roles have no principal."""
    named = statement.get("Principal", "*")
    if principal and named != "*" and principal[1] not in listed(named.get(principal[0], [])):
        return False
    patterns = (re.sub(r"\$\{([^}]+)\}", lambda key: context.get(key[1], "\0"), pattern) for pattern in listed(statement["Resource"]))
    return (
        any(matches(pattern, action) for pattern in listed(statement["Action"]))
        and any(matches(pattern, resource) for pattern in patterns)
        and holds(statement.get("Condition", {}), context)
    )


def allowed(
    statements: Iterable[dict], action: str, resource: str, principal: tuple[str, str] | None = None, **context: str
) -> bool:
    """Returns whether the statements allow a request, whose condition keys are given by their names in CONTEXT."""
    keys = {"aws:SecureTransport": "true"} | {CONTEXT[name]: value for name, value in context.items()}
    effects = {one["Effect"] for one in statements if applies(one, principal, action, resource, keys)}
    return effects == {"Allow"}


CONTEXT = {
    "account": "aws:SourceAccount",
    "organization": "aws:SourceOrgID",
    "source": "aws:SourceArn",
    "acl": "s3:x-amz-acl",
    "owner": "aws:ResourceAccount",
    "prefix": "s3:prefix",
    "via": "kms:ViaService",
    "tls": "aws:SecureTransport",
}
