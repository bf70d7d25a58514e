"""What a proof needs of one stack's graph, small enough to travel between processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planning.access.compare import permissions_of, repository_of
from planning.access.deploy_roles import Role, roles_of
from planning.access.documents import TOKENS_OF, DocumentError, Statement, parse
from planning.access.principals import ROLE, Principals

if TYPE_CHECKING:
    from planning.access.actions import ActionSet
    from planning.access.permissions import Scope
    from rehearsal.graph import Graph, Resource

_ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
_BRANCHES = (
    "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
)


@dataclass(frozen=True, eq=False)
class Door:
    """A role, who may take it, and where that is declared."""

    role: Role
    trust: tuple[Statement, ...]
    issuers: tuple[tuple[str, ...], ...]
    """The principals of each statement of the trust, with hosts for identity providers."""
    place: str


@dataclass(frozen=True)
class Environment:
    """A GitHub environment as it is declared."""

    name: str
    branches: tuple[str, ...]
    """Patterns of the branches and tags whose jobs may enter; empty where all may."""
    limited: bool
    reviewed: bool
    bypassed: bool
    """Whether administrators may pass by its rules."""
    place: str


@dataclass(frozen=True)
class Granted:
    """What a resource policy or a cluster lets a principal do."""

    scope: Scope
    actions: ActionSet
    place: str


@dataclass(frozen=True)
class Part:
    """One stack's part of the evidence."""

    stack: str
    repository: str | None
    doors: tuple[Door, ...]
    environments: tuple[Environment, ...]
    granted: tuple[Granted, ...]
    not_understood: tuple[str, ...]


def gather(graph: Graph) -> Part:
    """The part of the evidence that one stack's graph has."""
    permissions = permissions_of(graph)
    return Part(
        stack=graph.stack,
        repository=repository_of(graph),
        doors=tuple(_doors(graph)),
        environments=tuple(_environments(graph)),
        granted=tuple(
            Granted(scope, holding.actions, _place(holding.declared))
            for scope, holding in permissions.holdings.items()
            if scope.allows and scope.kind in ("resource", "kubernetes")
        ),
        not_understood=tuple(f"{graph.stack}: {each}" for each in permissions.not_understood),
    )


def _doors(graph: Graph) -> list[Door]:
    principals, roles, found = Principals(graph), roles_of(graph), []
    for resource in graph.of_type(ROLE):
        role = roles.get(str(resource.outputs.get("arn")))
        if role is None:
            continue
        try:
            trust = parse(str(resource.inputs.get("assumeRolePolicy")))
        except DocumentError:
            continue
        issuers = tuple(
            tuple(
                TOKENS_OF + principals.issuer(each.removeprefix(TOKENS_OF))
                if each.startswith(TOKENS_OF)
                else each
                for each in statement.principals
            )
            for statement in trust
        )
        found.append(Door(role, trust, issuers, _place(resource)))
    return found


def _environments(graph: Graph) -> list[Environment]:
    branches: dict[str, list[str]] = {}
    for policy in graph.of_type(_BRANCHES):
        pattern = policy.inputs.get("branchPattern") or policy.inputs.get("tagPattern")
        branches.setdefault(str(policy.inputs.get("environment")), []).append(str(pattern))
    found = []
    for each in graph.of_type(_ENVIRONMENT):
        name = str(each.inputs.get("environment"))
        limits: Any = each.inputs.get("deploymentBranchPolicy")
        reviewers = each.inputs.get("reviewers")
        found.append(
            Environment(
                name=name,
                branches=tuple(branches.get(name, ())),
                limited=isinstance(limits, dict)
                and (limits.get("customBranchPolicies") or limits.get("protectedBranches")) is True,
                reviewed=isinstance(reviewers, list)
                and any(
                    isinstance(r, dict) and (r.get("teams") or r.get("users")) for r in reviewers
                ),
                bypassed=each.inputs.get("canAdminsBypass") is not False,
                place=_place(each),
            )
        )
    return found


def _place(resource: Resource) -> str:
    where = f" ({resource.source})" if resource.source is not None else ""
    return f"{resource.short_type} {resource.name}{where}"
