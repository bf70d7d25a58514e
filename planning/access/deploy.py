"""What a stack's deploy role lacks, before an apply fails of it, and what it needs no longer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from planning.access.actions import expand_all
from planning.access.decisions import Call, allows
from planning.access.deploy_roles import Role, deploy_role, environment_of, roles_of, taken_by
from planning.access.documents import DocumentError, parse
from planning.access.needs import ANY, Need, Needs, needs_of
from planning.access.principals import ROLE
from planning.document import DeployRight, DeployRights

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rehearsal.graph import Graph

ORGANIZATION = "organization"


@dataclass(frozen=True)
class Rights:
    """What one stack needs, of which role, and what of it the role has not."""

    role: Role | None
    types: frozenset[str]
    """The types of the stack's resources."""
    needs: Needs
    granted: tuple[Need, ...]
    missing: tuple[tuple[Need, str], ...]
    """With the name of the role that lacks it."""
    not_known: tuple[str, ...]


def rights(base: Graph | None, head: Graph | None, organization: Graph) -> DeployRights:
    """What a stack's deploy role lacks at head, and what base needed of it and head does not."""
    if head is None or head.stack == ORGANIZATION:
        return DeployRights()
    found = rights_of(head, organization)
    left = _needed_no_longer(base, found) if base is not None else set()
    return DeployRights(
        role=found.role.name if found.role is not None else "",
        missing=tuple(_lines((need.action, need.target, need.type) for need, _ in found.missing)),
        unused=tuple(_lines((action, ANY, type) for action, type in sorted(left))),
        not_known=found.not_known,
    )


def _needed_no_longer(base: Graph, found: Rights) -> set[tuple[str, str]]:
    """What the base's resources need, the head's don't, and the role has, with the types."""
    if found.role is None or not _types(base) - found.types:
        # Types of which all are gone are what leaves rights behind; looking further costs as much
        # as the head did.
        return set()
    policies = found.role.policies
    now = {need.action for need in found.needs.needs}
    return {
        (need.action, need.type)
        for need in needs_of(base).needs
        if need.action not in now and allows(policies, Call(need.action))
    }


def rights_of(stack: Graph, organization: Graph) -> Rights:
    """What a stack's deployment needs, against what the organization's roles grant."""
    needs = needs_of(stack)
    role = deploy_role(stack, organization)
    unknown = [f"nothing says what {type} needs of its deploy role" for type in needs.unknown_types]
    if role is None:
        environment = environment_of(stack) or "that is not known"
        unknown.append(f"no role, or more than one, deploys to the environment {environment}")
        return Rights(None, _types(stack), needs, (), (), tuple(unknown))
    callers = _Callers(stack, organization, role)
    granted, missing = [], []
    for need in needs.needs:
        caller = callers.of(need.provider)
        if caller is None:
            continue
        if _allows(caller, callers.call(need)):
            granted.append(need)
        else:
            missing.append((need, caller.name))
    missing += callers.missing
    return Rights(
        role, _types(stack), needs, tuple(granted), tuple(missing), (*unknown, *callers.not_known)
    )


def _types(stack: Graph) -> frozenset[str]:
    return frozenset(resource.type for resource in stack.resources.values())


class _Callers:
    """As which role each provider calls AWS: the deploy role, or one that it takes."""

    def __init__(self, stack: Graph, organization: Graph, role: Role) -> None:
        self._stack = stack
        self._services: Mapping[str, tuple[str, ...]] | None = None
        self.missing: list[tuple[Need, str]] = []
        self.not_known: list[str] = []
        self._role = role
        self._found: dict[str, Role | None] = {}
        known = roles_of(organization)
        for provider in stack.of_type("pulumi:providers:aws"):
            caller: Role | None = role
            for arn in taken_by(provider):
                need = Need("sts:AssumeRole", arn, provider.type, ("create",), provider.urn)
                if caller is not None and not allows(caller.policies, Call(need.action, arn)):
                    self.missing.append((need, caller.name))
                caller = known.get(arn)
                if caller is None:
                    self.not_known.append(
                        f"what {arn} may do: the organization declares no such role"
                    )
            self._found[provider.urn] = caller

    def of(self, provider: str) -> Role | None:
        return self._found.get(provider, self._role)

    def call(self, need: Need) -> Call:
        """The call that a need is, with what is known of its circumstances."""
        context: list[tuple[str, tuple[str, ...]]] = []
        provider = self._stack.resources.get(need.provider)
        region = provider.inputs.get("region") if provider is not None else None
        if isinstance(region, str):
            context.append(("aws:requestedregion", (region,)))
        if need.action == "iam:PassRole":
            if self._services is None:
                self._services = _services(self._stack)
            services = self._services.get(need.target)
            if services:
                context.append(("iam:passedtoservice", services))
        return Call(need.action, need.target, tuple(context))


@lru_cache(maxsize=16384)
def _allows(role: Role, call: Call) -> bool:
    """Asked again and again for tenants that are alike."""
    return allows(role.policies, call)


def _services(stack: Graph) -> Mapping[str, tuple[str, ...]]:
    """The services that each of a stack's roles trusts, which are those it is handed to."""
    found = {}
    for role in stack.of_type(ROLE):
        try:
            statements = parse(str(role.inputs.get("assumeRolePolicy")))
        except DocumentError:
            continue
        found[str(role.outputs.get("arn"))] = tuple(
            principal.removeprefix("service ")
            for statement in statements
            for principal in statement.principals
            if principal.startswith("service ")
        )
    return found


def _lines(found: Iterable[tuple[str, str, str]]) -> list[DeployRight]:
    """One line for each action and resource, with the types that need it."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for action, target, type in found:
        grouped.setdefault((action, target), []).append(type)
    return [
        DeployRight(action=action, resource=target, needed_by=tuple(dict.fromkeys(types)))
        for (action, target), types in sorted(grouped.items())
    ]


def unneeded(found: Rights) -> list[tuple[str, int]]:
    """The patterns of the role's policies of which a stack needs nothing, with how many actions."""
    if found.role is None:
        return []
    needed = expand_all(need.action for need in found.needs.needs)
    patterns = {
        pattern: len(actions)
        for statement in found.role.written
        if statement.allows
        for pattern in statement.written
        if (actions := expand_all((pattern,))) and not needed & actions
    }
    return sorted(patterns.items())
