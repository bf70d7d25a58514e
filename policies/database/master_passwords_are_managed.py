"""RDS manages the master password, and it never enters state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DATABASE
from policies.rule import Rule, differences, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(DATABASE, needed_in=("cell",))
def evaluate(cluster: Resource, stack: Stack) -> Iterator[str]:
    """Passwords that a program knows."""
    yield from differences(cluster, {"manageMasterUserPassword": True})
    if "masterPassword" in cluster.inputs or "masterPasswordWo" in cluster.inputs:
        yield "masterPassword is set"
    yield from stack.key_problems(cluster, "masterUserSecretKmsKeyId")


RULE = Rule(
    __name__,
    severity="high",
    why="Whoever reads the stack's state would be master of every tenant's rows.",
    remedy="Set manageMasterUserPassword with a key of ours, and leave masterPassword out.",
    evaluate=evaluate,
)
