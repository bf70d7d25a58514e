"""A stack's permissions at two commits: what is gained, and what is lost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from planning.access import clusters, databases, iam
from planning.access.actions import said
from planning.access.conditions import merged
from planning.access.dangers import Danger, dangers, said_condition
from planning.access.levels import PERMISSIONS, levels_of
from planning.access.permissions import Permissions, Scope
from planning.checks import AccessChange, AccessChanges
from planning.severity import RANK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.access.actions import ActionSet
    from planning.access.permissions import Holding
    from planning.severity import Severity
    from rehearsal.graph import Graph

_TAKES_NO_ON = (" of", databases.OWN)
_LIMITS = ("boundary", "guardrail")
_RELEVANT = ("aws:", "kubernetes:rbac.", "postgresql:", "github:index/repository:", "pulumi:prov")


def changes(base: Graph | None, head: Graph | None) -> AccessChanges:
    """What identities may do more or less at head than at base; None where there is no stack."""
    if base is not None and head is not None and _asked(base) == _asked(head):
        return AccessChanges()
    before, after = permissions_of(base), permissions_of(head)
    repository = repository_of(head or base)
    gained = [*_more(before, after, repository), *_unbounded(before, after)]
    lost = [*_more(after, before, None), *_unbounded(after, before)]
    known = set(before.not_understood)
    return AccessChanges(
        gained=tuple(sorted(gained, key=_order)),
        lost=tuple(replace(each, severity="low", why=()) for each in sorted(lost, key=_order)),
        not_understood=tuple(each for each in after.not_understood if each not in known),
    )


def permissions_of(graph: Graph | None) -> Permissions:
    """All permissions that a graph declares."""
    permissions = Permissions(graph)
    if graph is not None:
        iam.add_permissions(graph, permissions)
        clusters.add_permissions(graph, permissions)
        databases.add_permissions(graph, permissions)
    return permissions


def _asked(graph: Graph) -> dict[str, Any]:
    """What the permissions follow from: where it is the same, so are they."""
    return {
        urn: (resource.inputs, resource.provider)
        for urn, resource in graph.resources.items()
        if resource.type.startswith(_RELEVANT)
    }


def repository_of(graph: Graph | None) -> str | None:
    """The GitHub repository that a graph declares, as owner and name."""
    if graph is None:
        return None
    names = [
        each.inputs.get("name") for each in graph.of_type("github:index/repository:Repository")
    ]
    owners = [each.inputs.get("owner") for each in graph.of_type("pulumi:providers:github")]
    if len(names) == 1 and len(owners) == 1:
        return f"{owners[0]}/{names[0]}"
    return None


def _more(
    before: Permissions, after: Permissions, repository: str | None
) -> Iterator[AccessChange]:
    """What is allowed after and was not before, and what was denied before and is not after."""
    news: dict[tuple[Any, ...], list[tuple[Scope, Holding]]] = defaultdict(list)
    for scope, holding in after.holdings.items():
        if not scope.allows or _is_new_limit(scope, before):
            continue
        new = before.without_what(scope, holding.actions, allowed=True)
        if new:
            new = after.without_what(scope, new, allowed=False)
        if new:
            news[scope.kind, True, scope.principal, new].append((scope, holding))
    for scope, holding in before.holdings.items():
        if scope.allows or not _still_there(scope, holding, after):
            continue
        open_now = after.without_what(scope, holding.actions, allowed=False)
        if open_now:
            news[scope.kind, False, scope.principal, open_now].append((scope, holding))
    for (_, _, _, actions), found in news.items():
        yield from _told(actions, found, after, repository)


def _still_there(scope: Scope, holding: Holding, after: Permissions) -> bool:
    """Whether what a denial protected is there still; what goes needs no protection."""
    if after.graph is None:
        return False
    if scope.kind in ("resource", "trust"):
        return after.has_thing(holding.declared.urn, holding.protects)
    if scope.kind == "identity":
        return scope.principal in after.identities
    return True


def _is_new_limit(scope: Scope, before: Permissions) -> bool:
    """Whether a boundary or guardrail was not there before: then it takes, and gives nothing."""
    return scope.kind in _LIMITS and not before.has_principal(scope.kind, scope.principal)


def _told(
    actions: ActionSet,
    found: list[tuple[Scope, Holding]],
    after: Permissions,
    repository: str | None,
) -> Iterator[AccessChange]:
    """One line for each condition, with all resources that it holds for."""
    by_resource: dict[str, list[Scope]] = defaultdict(list)
    for scope, _ in found:
        by_resource[scope.resource].append(scope)
    by_condition: dict[Any, list[str]] = defaultdict(list)
    for resource, scopes in by_resource.items():
        for condition in merged([scope.condition for scope in scopes]):
            by_condition[condition].append(resource)
    for condition, resources in by_condition.items():
        near = [(scope, holding) for scope, holding in found if scope.resource in resources]
        scope = replace(near[0][0], condition=condition, resource=resources[0])
        written = {pattern for _, holding in near for pattern in holding.written}
        reasons = dict.fromkeys(
            reason
            for resource in resources
            for reason in _reasons(
                replace(scope, resource=resource), actions, written, after, repository
            )
        )
        levels = levels_of(scope, actions)
        yield AccessChange(
            urn=near[0][1].declared.urn,
            text=_line(scope, actions, written, sorted(resources)),
            level=levels[0] if levels else "",
            severity=_severity(scope, tuple(reasons), levels),
            why=tuple(reason.why for reason in reasons),
            source=near[0][1].declared.source,
        )


def _reasons(
    scope: Scope,
    actions: ActionSet,
    written: set[str],
    after: Permissions,
    repository: str | None,
) -> tuple[Danger, ...]:
    if scope.kind in _LIMITS:
        return (Danger("high", "it limits what others allow, and it has become wider"),)
    if not scope.allows:
        return (Danger("high", "a denial outweighs all that allows, and this one is gone"),)
    return dangers(scope, actions, written, after, repository)


def _severity(scope: Scope, reasons: tuple[Danger, ...], levels: list[str]) -> Severity:
    found = {reason.severity for reason in reasons}
    if "high" in found:
        return "high"
    own_service = scope.principal.startswith(("service ", "service account "))
    trusts = scope.kind == "trust" and not own_service
    return "medium" if found or trusts or PERMISSIONS in levels else "low"


def _line(scope: Scope, actions: ActionSet, written: set[str], resources: list[str]) -> str:
    what, when = _together(resources), said_condition(scope)
    done = said(actions, written)
    if scope.kind == "trust" and scope.allows:
        if actions.bits:
            return f"{scope.principal} may take {what} ({done}){when}"
        return f"{scope.principal} may {done} in {what}"
    if not scope.allows:
        return f"{scope.principal}: {done} on {what}{when} is denied no longer"
    if scope.kind in _LIMITS:
        return f"{scope.principal} lets through {done} on {what}{when}"
    joint = " " if done.endswith(_TAKES_NO_ON) else " on "
    return f"{scope.principal} may {done}{joint}{what}{when}"


def _together(resources: list[str]) -> str:
    """The resources, with the place that they share said once."""
    places = {resource.partition(" in ")[2] for resource in resources}
    if len(places) > 1 or places == {""}:
        return ", ".join(resources)
    return ", ".join(each.partition(" in ")[0] for each in resources) + f" in {places.pop()}"


def _unbounded(before: Permissions, after: Permissions) -> Iterator[AccessChange]:
    """Identities whose boundary went, or is another."""
    for principal, old in before.identities.items():
        new = after.identities.get(principal)
        if not old or new is None or new == old:
            continue
        holding = next(
            (
                each
                for scope, each in after.holdings.items()
                if principal in (scope.principal, scope.resource)
            ),
            None,
        )
        gone = not new
        yield AccessChange(
            urn=holding.declared.urn if holding else "",
            text=f"{principal} is limited by {old} no longer" + ("" if gone else f", but by {new}"),
            level=PERMISSIONS,
            severity="high",
            why=("its other policies are no longer held within the boundary",),
            source=holding.declared.source if holding else None,
        )


def _order(change: AccessChange) -> tuple[Any, ...]:
    return RANK[change.severity], change.urn, change.text
