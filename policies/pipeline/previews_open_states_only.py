"""The preview role opens states, and nothing else that is secret; it changes nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.documents import allows, granted
from policies.resource_types import ROLE_POLICY
from policies.rule import Rule, each
from policies.stack import at, listed
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from policies.stack import Stack
    from rehearsal.graph import Resource

DENIED = frozenset({"secretsmanager:GetSecretValue", "ssm:GetParameter", "rds-db:connect"})
LOOKS = re.compile(r"[\w-]+:(BatchCheck|BatchGet|Describe|Get|List|Query|Scan)\w*\*?")
SECRET = re.compile(
    r"(logs:GetLogEvents|s3:GetObject.*|secretsmanager:(BatchGet|Get)SecretValue|ssm:GetParameter.*"
    r"|(logs|s3|secretsmanager|ssm):(Batch)?Get\*)"
)
STATES = "-pulumi-state"


def is_preview(policy: Resource, _: Stack) -> bool:
    """Whether it is the preview role's."""
    return policy.name.endswith("-preview-policy")


@each(ROLE_POLICY, where=is_preview, needed_in=("organization",))
def evaluate(policy: Resource, stack: Stack) -> Iterator[str]:
    """What it lets be read or changed, or does not deny."""
    statements = stack.statements.get((policy.urn, "policy"), [])
    if at(policy.inputs, "policy") is UNKNOWN:
        return
    denied = {a for s in statements if s.get("Effect") == "Deny" for a in granted(s)}
    if missing := DENIED - denied:
        yield f"policy does not deny {', '.join(sorted(missing))}"
    for statement in allows(statements):
        for action in granted(statement):
            if not _is_fine(action, statement):
                yield f"policy allows {action} in {statement.get('Sid')}"


def _is_fine(action: str, statement: Mapping[str, Any]) -> bool:
    resources = [str(each) for each in listed(statement.get("Resource"))]
    if action == "kms:Decrypt":
        return "kms:ResourceAliases" in repr(statement.get("Condition"))
    if action == "sts:AssumeRole":
        # Another role is judged where it is declared; one that a pattern finds is not.
        return all("*" not in each for each in resources)
    if action == "s3:GetObject":
        return all(STATES in each.partition("/")[0] for each in resources)
    return LOOKS.fullmatch(action) is not None and SECRET.fullmatch(action) is None


RULE = Rule(
    __name__,
    severity="high",
    why="A pull request asks for a preview, and whoever looks at everything must not be worth "
    "stealing.",
    remedy="Name the reads that a preview needs, of states alone among objects, and deny secrets, "
    "parameters and logins outright.",
    evaluate=evaluate,
)
