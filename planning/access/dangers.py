"""What makes a permission dangerous whoever asked for it, each in a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from planning.access import clusters, conditions, databases
from planning.access.actions import UNKNOWN_LEVEL, ActionSet, database, expand
from planning.access.documents import EVERYONE
from planning.access.levels import PERMISSIONS, WRITE, levels_of
from planning.access.wildcards import ALL_BUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.access.permissions import Permissions, Scope
    from planning.severity import Severity

GITHUB = "token.actions.githubusercontent.com"
_SUBJECT = f"{GITHUB}:sub"
_WHOLE_SERVICE = re.compile(r"\*|[\w*-]+:\*")
_NODES_NEED = ("/AmazonEC2ContainerRegistryPullOnly", "/AmazonEKSWorkerNodeMinimalPolicy")
_ANYBODY = frozenset({"group system:authenticated", "group system:unauthenticated"})


class Danger(NamedTuple):
    """A reason, and how much it weighs."""

    severity: Severity
    why: str


def _high(why: str) -> Danger:
    return Danger("high", why)


def _medium(why: str) -> Danger:
    return Danger("medium", why)


def dangers(
    scope: Scope,
    actions: ActionSet,
    written: set[str],
    permissions: Permissions,
    repository: str | None,
) -> tuple[Danger, ...]:
    """Why somebody should think twice before allowing this; empty where nothing special does.

    `repository` is the GitHub repository of ours, as owner and name; None where it is not known.
    """
    match scope.kind:
        case "trust":
            return tuple(_of_trust(scope, repository))
        case "identity":
            return tuple(_of_identity(scope, actions, written, permissions))
        case "resource":
            return tuple(_of_resource(scope))
        case "kubernetes":
            return tuple(_in_cluster(scope, actions))
        case "postgresql":
            return tuple(_in_database(scope, actions))
        case _:
            return ()


def _of_trust(scope: Scope, repository: str | None) -> Iterator[Danger]:
    if scope.principal == EVERYONE and not scope.condition:
        yield _high("anyone with an AWS account may take the role")
    if scope.principal.startswith(ALL_BUT):
        yield _high("whoever is not named may take the role")
    if GITHUB not in scope.principal:
        return
    subjects = [
        (operator, value)
        for operator, key, values in scope.condition
        for value in values
        if key == _SUBJECT
    ]
    if not subjects or any("Not" in operator for operator, _ in subjects):
        yield _high("jobs of any GitHub repository may take the role: no subject is required")
    for operator, value in subjects:
        owner_and_name = value.removeprefix("repo:").partition(":")[0]
        if not value.startswith("repo:") or (
            "Like" in operator and ("*" in owner_and_name or "?" in owner_and_name)
        ):
            yield _high(f"jobs of other repositories may take the role: the subject is {value}")
        elif repository is None:
            yield _high(
                f"this stack declares no repository, so {owner_and_name} may be a stranger's"
            )
        elif owner_and_name != repository:
            yield _high(f"jobs of another repository may take the role: {owner_and_name}")


def _of_identity(
    scope: Scope, actions: ActionSet, written: set[str], permissions: Permissions
) -> Iterator[Danger]:
    whole = sorted(
        each for each in written if _WHOLE_SERVICE.fullmatch(each) and expand(each) & actions
    )
    levels = levels_of(scope, actions)
    changes = PERMISSIONS in levels or WRITE in levels
    limitable = actions.bits & ~database().without_resource
    changes_by_name = {PERMISSIONS, WRITE} & set(levels_of(scope, ActionSet(limitable)))
    anything = scope.resource in ("*", "arn:aws:*") or scope.resource.startswith(ALL_BUT)
    if any(each.startswith(ALL_BUT) for each in written):
        yield _high("it allows every action but those that are named, and every new one of AWS")
    elif whole and changes:
        yield _high(f"it allows whole services: {', '.join(whole)}")
    if anything and changes_by_name and not scope.condition:
        yield _high("it changes things of any name: no resource is named, and nothing limits it")
    if any(each.endswith(("/AdministratorAccess", "/IAMFullAccess")) for each in actions.others):
        yield _high("with it one can give oneself every other permission")
    unknown = [each for each in actions.others if UNKNOWN_LEVEL in levels]
    for each in unknown:
        yield _medium(f"what it allows is not known here: {each}")
    needed = not actions.bits and all(each.endswith(_NODES_NEED) for each in actions.others)
    if scope.principal in permissions.on_nodes and changes and not needed:
        yield _high("every pod on a node can take this role, whatever the pod's own identity")


def _of_resource(scope: Scope) -> Iterator[Danger]:
    if scope.principal.startswith(ALL_BUT):
        yield _high("it lets in whoever is not named")
    if scope.principal == EVERYONE and not scope.condition:
        yield _high("it lets in anyone, without a condition")


def _in_cluster(scope: Scope, actions: ActionSet) -> Iterator[Danger]:
    if scope.principal in _ANYBODY or scope.principal == "user system:anonymous":
        yield _high("it holds for whoever reaches the cluster's API")
    if PERMISSIONS in levels_of(scope, actions):
        yield _high("with it one can give oneself other permissions in the cluster")
    what, _, where = scope.resource.partition(" in ")
    reads_secrets = any(each in actions.others for each in ("get", "list", "watch", "*"))
    if reads_secrets and (what == "secrets" or what.startswith("*")):
        everywhere = _high if where == clusters.EVERYWHERE else _medium
        yield everywhere(f"it reads every secret in {where}")
    if any("system:masters" in each for each in actions.others):
        yield _high("the group system:masters passes every check of the cluster")
    if any(each.startswith(f"{clusters.MAY_AS_ROLE}AmazonEKSSecret") for each in actions.others):
        yield _high("it reads every secret there")


def _in_database(scope: Scope, actions: ActionSet) -> Iterator[Danger]:
    if scope.principal == databases.PUBLIC:
        yield _high("PUBLIC is every role of the server, those of other tenants among them")
    strong = sorted(
        {"be a superuser", "replicate", "bypass row security", "create roles"} & actions.others
    )
    if strong:
        yield _high(f"a role that may {' and '.join(strong)} passes the limits between tenants")


def said_condition(scope: Scope) -> str:
    """The scope's condition as a clause that follows what it limits; empty where it has none."""
    return f" when {conditions.said(scope.condition)}" if scope.condition else ""
