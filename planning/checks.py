"""Where checks plug into a plan: of one graph, of one stack at both commits, or of many at once.

A check is found by the module and function that `CHECKS` names, and imported when a plan runs it.
One that raises is a finding, and the others go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from planning.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from catalog.catalog import Catalog
    from planning.document import DeployRights, Move
    from planning.findings import Origin
    from planning.severity import Severity
    from rehearsal.graph import Graph, Source

    GraphCheck = Callable[[Graph], Sequence[Finding]]
    """Asked of a stack's graph at both commits, in a worker: it may keep nothing between calls.
    What it says of the head and not of the base is new."""
    BatchCheck = Callable[[Sequence[Graph]], Sequence[Finding]]
    """Asked once a side, of all graphs that changed: for what starts a program of its own."""
    AccessCheck = Callable[[Graph | None, Graph | None], "AccessChanges"]
    """Asked of a stack's graphs at base and head; None where the stack is not there."""
    DeployCheck = Callable[[Graph | None, Graph | None, Graph], DeployRights]
    """Asked of a stack's graphs at base and head and of the head's organization, whose graph has
    the deploy roles: what the stack's role lacks, and what it has and does not need."""
    MovesCheck = Callable[[Catalog, Catalog], Sequence[Move]]
    """Asked once, of the catalogs at base and head, cut down to the tenants whose placement differs
    and the cells they are in: what their moves are."""

Scope = Literal["graph", "batch", "access", "deploy", "moves"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """Something that somebody may do from now on, or no longer."""

    urn: str
    text: str
    """One line for people: who may do what to what, and when."""
    level: str
    """The access level, such as `Write` or `Permissions management`."""
    severity: Severity
    why: tuple[str, ...] = ()
    """What makes it dangerous; empty where nothing special does."""
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChanges:
    """A stack's permissions at two commits: what is gained, what is lost, what can't be told."""

    gained: tuple[AccessChange, ...] = ()
    lost: tuple[AccessChange, ...] = ()
    not_understood: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gained or self.lost or self.not_understood)


@dataclass(frozen=True, slots=True)
class Check:
    """Where a check is, and what it is asked of."""

    name: str
    scope: Scope
    origin: Origin
    module: str
    function: str

    def load(self) -> Callable[..., Any]:
        """The check's function."""
        return getattr(import_module(self.module), self.function)  # type: ignore[no-any-return]


CHECKS: tuple[Check, ...] = (
    Check("policies", "graph", "policy", "planning.policies", "findings"),
    Check("checkov", "batch", "checkov", "planning.checkov", "findings"),
    Check("access", "access", "access", "planning.access.compare", "changes"),
    Check("moves", "moves", "access", "planning.moves", "moves"),
    Check("deploy-rights", "deploy", "access", "planning.access.deploy", "rights"),
)


def findings_of(graph: Graph, checks: Iterable[Check] = CHECKS) -> list[Finding]:
    """What every check of single graphs says of one."""
    found: list[Finding] = []
    for check in checks:
        if check.scope == "graph":
            found += _run(check, (graph.stack,), graph)
    return found


def findings_of_many(graphs: Sequence[Graph], checks: Iterable[Check] = CHECKS) -> list[Finding]:
    """What every check of many graphs at once says of them."""
    found: list[Finding] = []
    for check in checks:
        if check.scope == "batch" and graphs:
            found += _run(check, tuple(graph.stack for graph in graphs), graphs)
    return found


def access_changes(
    base: Graph | None, head: Graph | None, checks: Iterable[Check] = CHECKS
) -> tuple[AccessChanges, list[Finding]]:
    """What a stack's identities may do more or less, and which check failed to tell."""
    stack = (head or base).stack if (head or base) is not None else ""  # type: ignore[union-attr]
    changes, crashes = AccessChanges(), list[Finding]()
    for check in checks:
        if check.scope != "access":
            continue
        try:
            more: AccessChanges = check.load()(base, head)
        except Exception as error:
            crashes.append(_crash(check, stack, error))
            continue
        changes = AccessChanges(
            gained=(*changes.gained, *more.gained),
            lost=(*changes.lost, *more.lost),
            not_understood=(*changes.not_understood, *more.not_understood),
        )
    return changes, crashes


def deploy_rights(
    base: Graph | None, head: Graph | None, organization: Graph, checks: Iterable[Check] = CHECKS
) -> tuple[DeployRights, list[Finding]]:
    """What a stack's deploy role lacks and does not need, and which check failed to tell."""
    from planning.document import DeployRights

    stack = (head or base).stack if (head or base) is not None else ""  # type: ignore[union-attr]
    for check in checks:
        if check.scope == "deploy":
            try:
                found: DeployRights = check.load()(base, head, organization)
            except Exception as error:
                return DeployRights(), [_crash(check, stack, error)]
            return found, []
    return DeployRights(), []


def moves(base: Catalog, head: Catalog, checks: Iterable[Check] = CHECKS) -> list[Move]:
    """What the moves are that a change asks for."""
    found: list[Move] = []
    for check in checks:
        if check.scope == "moves":
            found += check.load()(base, head)
    return found


def _run(check: Check, stacks: Sequence[str], argument: Any) -> list[Finding]:
    try:
        return list(check.load()(argument))
    except Exception as error:
        return [_crash(check, stack, error) for stack in stacks]


def _crash(check: Check, stack: str, error: Exception) -> Finding:
    lines = str(error).splitlines() or [""]
    return Finding(
        origin=check.origin,
        rule=f"{check.name}-crashed",
        severity="high",
        stack=stack,
        urn="",
        message=f"the check {check.name} failed: {type(error).__name__}: {lines[0][:300]}",
        why="What it would have found is not known; mend the check, or what it stumbles over.",
    )


def split(
    base: Sequence[Finding], head: Sequence[Finding], renamed: Mapping[str, str]
) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """New findings, old ones and those that are gone; `renamed` has head's URNs for base's."""
    before = {_moved(finding, renamed) for finding in base}
    after = {finding.key for finding in head}
    new = [finding for finding in head if finding.key not in before]
    old = [finding for finding in head if finding.key in before]
    gone = [finding for finding in base if _moved(finding, renamed) not in after]
    return new, old, gone


def _moved(finding: Finding, renamed: Mapping[str, str]) -> tuple[str, ...]:
    origin, rule, stack, urn, message = finding.key
    return origin, rule, stack, renamed.get(urn, urn), message
