"""Backups are copied to another region, under a key there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, Verdict, each
from policies.stack import at, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

PLAN = "aws:backup/plan:Plan"
VAULT = "aws:backup/vault:Vault"


@each(PLAN, needed_in=("cell",))
def of_plans(plan: Resource, stack: Stack) -> Iterator[str]:
    """Plans whose rules copy nothing, or into the same region."""
    rules = listed(at(plan.inputs, "rules"))
    if not rules:
        yield "rules is not set"
    for number, rule in enumerate(rules):
        copies = listed(at(rule, "copyActions"))
        if not copies:
            yield f"rules.{number} copies nothing"
        for copy in copies:
            arn = at(copy, "destinationVaultArn")
            vault = stack.found(arn, VAULT)
            if vault is not None and region(stack, vault) == region(stack, plan):
                yield f"rules.{number} copies to {shown(arn)}, which is in the same region"


@each(VAULT, needed_in=("cell",))
def of_vaults(vault: Resource, stack: Stack) -> Iterator[str]:
    """Vaults without a key of ours."""
    return stack.key_problems(vault, "kmsKeyArn")


def region(stack: Stack, resource: Resource) -> str:
    """The region in which a resource is made."""
    provider = stack.graph.resources.get(resource.provider or "")
    return str(at(provider.inputs, "region")) if provider is not None else ""


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Plans, and vaults."""
    yield from of_plans(stack)
    yield from of_vaults(stack)


RULE = Rule(
    __name__,
    severity="high",
    why="A region that is lost takes the backups in it along.",
    remedy="Add a copy action to a vault that a provider of another region declares.",
    evaluate=evaluate,
)
