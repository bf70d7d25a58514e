"""What holds data is protected, and retained when its resource is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BUCKET, DATABASE, KEY, TENANT_DATABASE
from policies.rule import Rule, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

HOLDERS = (
    BUCKET,
    DATABASE,
    KEY,
    "aws:backup/vault:Vault",
    "aws:dynamodb/table:Table",
    "aws:secretsmanager/secret:Secret",
    TENANT_DATABASE,
)


@each(*HOLDERS, needed_in=("organization", "cell", "tenant"))
def evaluate(resource: Resource, stack: Stack) -> Iterator[str]:
    """Holders that a deletion takes along."""
    if not resource.protect and not stack.idle(resource):
        yield "the option protect is off"
    if not resource.retain_on_delete:
        yield "the option retain_on_delete is off"
    if at(resource.inputs, "forceDestroy") is True:
        yield "forceDestroy is true"


RULE = Rule(
    __name__,
    severity="high",
    why="One wrong line in a pull request would otherwise delete what can't be made again.",
    remedy="Set the options protect and retain_on_delete.",
    evaluate=evaluate,
)
