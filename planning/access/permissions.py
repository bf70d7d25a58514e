"""Permissions in one form: who may do what, on what and when, and where that is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from planning.access import conditions
from planning.access.documents import EVERYONE
from planning.access.wildcards import covers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planning.access.actions import ActionSet
    from planning.access.conditions import Condition
    from rehearsal.graph import Graph, Resource

_NAMES = ("arn", "name", "bucket", "url")

Kind = Literal[
    "identity",  # What a role, user, group or permission set may do.
    "trust",  # Who may take a role.
    "resource",  # What a resource lets others do.
    "boundary",  # The most that identities can do; it grants nothing.
    "guardrail",  # The most that accounts can do; it grants nothing.
    "kubernetes",
    "postgresql",
]


@dataclass(frozen=True, slots=True)
class Scope:
    """One principal, one resource and one condition, of one kind and effect."""

    kind: Kind
    allows: bool
    principal: str
    resource: str
    condition: Condition = ()

    def covers(self, other: Scope) -> bool:
        """Whether what is allowed or denied here holds there too."""
        return (
            (self.kind, self.allows) == (other.kind, other.allows)
            and self.principal in (other.principal, EVERYONE)
            and covers(self.resource, other.resource)
            and conditions.contains(self.condition, other.condition)
        )


@dataclass(slots=True)
class Holding:
    """The actions of one scope, and the resource that declares them."""

    actions: ActionSet
    written: set[str]
    declared: Resource
    protects: str = ""
    """The id, name or ARN of what a resource policy is on; empty for other kinds."""


@dataclass
class Permissions:
    """All permissions that a graph declares."""

    graph: Graph | None = None
    holdings: dict[Scope, Holding] = field(default_factory=dict)
    not_understood: list[str] = field(default_factory=list)
    identities: dict[str, str] = field(default_factory=dict)
    """Roles, users, groups and permission sets, and the boundary of each; empty without one."""
    on_nodes: set[str] = field(default_factory=set)
    """Principals that every pod of a node can be, as it has no other."""
    _by_principal: dict[str, list[Scope]] = field(default_factory=dict)

    def add(
        self,
        scope: Scope,
        actions: ActionSet,
        declared: Resource,
        *,
        written: Iterable[str] = (),
        protects: str = "",
    ) -> None:
        """Add actions to a scope."""
        if not actions:
            return
        found = self.holdings.get(scope)
        if found is None:
            self.holdings[scope] = Holding(actions, set(written), declared, protects)
            self._by_principal.setdefault(scope.principal, []).append(scope)
        else:
            found.actions |= actions
            found.written.update(written)

    def has_principal(self, kind: Kind, principal: str) -> bool:
        """Whether anything at all is said of a principal."""
        return any(scope.kind == kind for scope in self._by_principal.get(principal, ()))

    def has_thing(self, urn: str, text: str) -> bool:
        """Whether the graph has a resource of that URN, or one of that id, name or ARN."""
        return self.graph is not None and (urn in self.graph.resources or text in self._texts)

    @cached_property
    def _texts(self) -> frozenset[str]:
        assert self.graph is not None
        found = (
            value
            for resource in self.graph.resources.values()
            for value in (resource.id, *map(resource.outputs.get, _NAMES))
        )
        return frozenset(value for value in found if isinstance(value, str))

    def without_what(self, scope: Scope, actions: ActionSet, *, allowed: bool) -> ActionSet:
        """Those of the actions that no statement of that effect here has for all of the scope."""
        wanted = Scope(scope.kind, allowed, scope.principal, scope.resource, scope.condition)
        # Most of what there is, is there at both commits in the same words.
        same = self.holdings.get(wanted)
        if same is not None:
            actions -= same.actions
        for other in self._near(scope):
            if not actions:
                break
            if other.covers(wanted):
                actions -= self.holdings[other].actions
        return actions

    def _near(self, scope: Scope) -> Iterator[Scope]:
        yield from self._by_principal.get(scope.principal, ())
        if scope.principal != EVERYONE:
            yield from self._by_principal.get(EVERYONE, ())
