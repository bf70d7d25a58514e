"""What holds data is protected, and retained when its resource is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BUCKET, DATABASE, KEY
from policies.rule import Rule, each
from policies.stack import at
from rehearsal.graph import STACK_REFERENCE_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

TENANT_DATABASE = "postgresql:index/database:Database"
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
    if not resource.protect and not _is_left(resource, stack):
        yield "the option protect is off"
    if not resource.retain_on_delete:
        yield "the option retain_on_delete is off"
    if at(resource.inputs, "forceDestroy") is True:
        yield "forceDestroy is true"


def _is_left(resource: Resource, stack: Stack) -> bool:
    """Whether it lies where a moving tenant is to be no longer, and is retained all the same.

    The engine lets nothing go that is protected, so that goes off one update before.
    """
    databases = stack.of_type(TENANT_DATABASE)
    left = [each.name for each in databases if not each.protect]
    kept = [each.name for each in databases if each.protect]
    if stack.kind != "tenant" or not resource.retain_on_delete or not left or not kept:
        return False
    if resource.type == TENANT_DATABASE:
        return True
    cells = (each.name.rpartition("cell.")[2] for each in stack.of_type(STACK_REFERENCE_TYPE))
    return any(
        resource.name.startswith(slice)
        and all(name.startswith(slice) for name in left)
        and not any(name.startswith(slice) for name in kept)
        for slice in (f"{stack.name}-{cell}-" for cell in cells)
    )


RULE = Rule(
    __name__,
    severity="high",
    why="One wrong line in a pull request would otherwise delete what can't be made again.",
    remedy="Set the options protect and retain_on_delete.",
    evaluate=evaluate,
)
