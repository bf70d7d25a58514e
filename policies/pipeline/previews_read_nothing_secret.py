"""The preview role can read nothing secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from policies.documents import allows, granted
from policies.resource_types import ROLE_POLICY
from policies.rule import Rule, each
from policies.stack import at
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

SECRET_READS = frozenset(
    {
        "dynamodb:GetItem",
        "kms:Decrypt",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "rds-db:connect",
        "s3:GetObject",
        "secretsmanager:BatchGetSecretValue",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "ssm:GetParameters",
        "ssm:GetParametersByPath",
    }
)
DENIED = frozenset({"secretsmanager:GetSecretValue", "ssm:GetParameter"})
WIDE = frozenset({"*", "s3:*", "kms:*", "secretsmanager:*", "ssm:*"})


def is_preview(policy: Resource, _: Stack) -> bool:
    """Whether it is the preview role's."""
    return policy.name.endswith("-preview-policy")


@each(ROLE_POLICY, where=is_preview, needed_in=("organization",))
def evaluate(policy: Resource, stack: Stack) -> Iterator[str]:
    """Secrets that it lets be read, or does not deny."""
    statements = stack.statements.get((policy.urn, "policy"), [])
    if at(policy.inputs, "policy") is UNKNOWN:
        return
    denied = {a for s in statements if s.get("Effect") == "Deny" for a in granted(s)}
    if missing := DENIED - denied:
        yield f"policy does not deny {', '.join(sorted(missing))}"
    for statement in allows(statements):
        actions = set(granted(statement))
        # The ledger says where tenants live, which this repository says as well.
        harmless = {"dynamodb:GetItem"}
        if "pulumi-state" not in json.dumps(statement):
            harmless.add("kms:Decrypt")
        for action in sorted((WIDE & actions) | (SECRET_READS & actions) - harmless):
            yield f"policy allows {action} in {statement.get('Sid')}"


RULE = Rule(
    __name__,
    severity="high",
    why="Whoever opens a pull request decides what its job runs.",
    remedy="Name the reads that a preview needs, and deny secrets and parameters outright.",
    evaluate=evaluate,
)
