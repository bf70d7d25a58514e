"""What is asked of one stack's graphs, in a worker: differences, consequences, and the checks."""

from __future__ import annotations

import gc
import json
import signal
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from planning import checks, marks
from planning.access.actions import database
from planning.cache import key_of
from planning.compare import compare
from planning.confinement import end_with_parent
from planning.document import (
    Access,
    AccessLine,
    DeployRights,
    Fault,
    FindingLine,
    Findings,
    Place,
    StackPlan,
)
from planning.graphs import EncodedGraph, EncodingError
from planning.neighbourhood import around
from planning.severity import RANK
from policies.registry import rules
from rehearsal.garbage import search_seldom
from rehearsal.graph import STACK_REFERENCE_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from planning.document import Change, Status
    from planning.findings import Finding
    from rehearsal.graph import Graph, Source

ORGANIZATION = "organization"


def prepare() -> None:
    """Import the checks and read what they look up, for the workers that are forked afterwards.

    What fails here fails again in a worker, which says so of each stack.
    """
    for check in checks.CHECKS:
        if check.scope in ("graph", "access", "deploy"):
            with suppress(Exception):
                check.load()
    with suppress(Exception):
        rules()
        database()


def ready() -> None:
    """Make a worker: a person's Ctrl-C is the plan's to handle, which then ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()
    # What is there now stays: no collection need look at it. Two graphs make some 50,000 objects,
    # most of which go without the collector; it took a quarter of the time.
    gc.freeze()
    search_seldom()


def plan_of(
    stack: str,
    base: bytes | None,
    head: bytes | None,
    marker: str,
    organization: Path | None,
) -> StackPlan:
    """What a change does to one stack; `organization` has the head's graph of it, encoded."""
    before = EncodedGraph(stack, base, marker) if base is not None else None
    after = EncodedGraph(stack, head, marker, like=before) if head is not None else None
    return _told(stack, lambda: _plan(stack, before, after, organization, marker))


def rights_of(stack: str, graph: bytes, marker: str, organization: Path | None) -> StackPlan:
    """What the roles of the organization's graph lack, for a stack that stays as it is."""
    encoded = EncodedGraph(stack, graph, marker)

    def made() -> StackPlan:
        deploy, crashes = _deploy(stack, encoded.graph, encoded.graph, organization, marker)
        return StackPlan(
            stack=stack,
            status="unchanged",
            unchanged=len(encoded.lines),
            deploy=deploy,
            findings=findings([], crashes, {}),
        )

    return _told(stack, made)


def _told(stack: str, make: Callable[[], StackPlan]) -> StackPlan:
    try:
        return make()
    except EncodingError as error:
        problem = str(error)
    except Exception as error:
        # A graph comes from code that nobody has reviewed yet: whatever it brings about here is
        # said of its stack, and the others are planned.
        lines = str(error).splitlines() or [""]
        problem = f"its graphs can't be compared: {type(error).__name__}: {lines[0][:300]}"
    return StackPlan(stack=stack, status="changed", faults=(Fault(problem=problem, stack=stack),))


def _plan(
    stack: str,
    before: EncodedGraph | None,
    after: EncodedGraph | None,
    organization: Path | None,
    marker: str,
) -> StackPlan:
    comparison = compare(before, after)
    base = before.graph if before is not None else None
    head = after.graph if after is not None else None
    changes = []
    for each in comparison.compared:
        change = each.change()
        if after is None:
            # Nobody applies a stack that the catalog no longer has: it is destroyed by hand.
            change = change.model_copy(update={"refused": ""})
        found_marks = tuple(marks.of_change(each, change, base, head))
        changes.append(change.model_copy(update={"marks": found_marks}))
    changes.sort(key=marks.importance)
    access, crashes = checks.access_changes(base, head)
    deploy, more = _deploy(stack, base, head, organization, marker)
    found = checks.findings_of(head) if head is not None else []
    old = checks.findings_of(base) if base is not None else []
    status: Status = "changed"
    if before is None:
        status = "created"
    elif after is None:
        status = "removed"
    elif not (changes or comparison.exports):
        status = "unchanged"
    made = StackPlan(
        stack=stack,
        status=status,
        consequences=tuple(marks.of_stack(stack, base, head)),
        changes=tuple(changes),
        graph=around(changes, base, head),
        exports=comparison.exports,
        unchanged=comparison.unchanged,
        access=Access(
            gained=tuple(map(_access_line, access.gained)),
            lost=tuple(map(_access_line, access.lost)),
            not_understood=access.not_understood,
        ),
        deploy=deploy,
        findings=findings(old, [*found, *crashes, *more], comparison.renamed),
        not_known=comparison.not_known,
        faults=tuple(_refused(changes, stack)),
    )
    names = _names(stack, [each for each in (base, head) if each is not None])
    return made.model_copy(update={"shape": shape_of(made, names)})


def _names(stack: str, graphs: Sequence[Graph]) -> set[str]:
    """The names that are a stack's own: its own, and those of the cells it refers to."""
    references = (
        each.name.rpartition("/")[2]
        for graph in graphs
        for each in graph.of_type(STACK_REFERENCE_TYPE)
    )
    found = {each.partition(".")[2] for each in (stack, *references)}
    return found - {""}


def findings(
    base: Sequence[Finding], head: Sequence[Finding], renamed: Mapping[str, str]
) -> Findings:
    """What is new, what was there and what is gone; what is suppressed is counted."""
    open_now = [each for each in head if each.suppression is None]
    new, old, gone = checks.split(
        [each for each in base if each.suppression is None], open_now, renamed
    )
    return Findings(
        new=tuple(map(_finding_line, _ranked(new))),
        old=tuple(map(_finding_line, _ranked(old))),
        gone=tuple(map(_finding_line, _ranked(gone))),
        suppressed=len(head) - len(open_now),
    )


def shape_of(plan: StackPlan, names: Iterable[str]) -> str:
    """What is the same for stacks that change alike, where their own names are left aside."""
    if not (plan.changes or plan.exports or plan.findings.new or plan.access.gained):
        return ""
    content = plan.model_dump(
        mode="json", include={"status", "changes", "exports", "access", "findings", "consequences"}
    )
    content["findings"].pop("suppressed", None)
    text = json.dumps(content, sort_keys=True)
    kind, _, own = plan.stack.partition(".")
    cells = sorted(set(names) - {own, ""})
    labels = {own or plan.stack: "own"} | {cell: f"cell {n}" for n, cell in enumerate(cells)}
    # The longest first: a name may be part of another.
    for name in sorted(labels, key=len, reverse=True):
        text = text.replace(name, f"\0{labels[name]}\0")
    return key_of(kind, text)[:16]


def _deploy(
    stack: str, base: Graph | None, head: Graph | None, organization: Path | None, marker: str
) -> tuple[DeployRights, list[Finding]]:
    if organization is None:
        return DeployRights(), []
    of_organization = head if stack == ORGANIZATION else _organization(organization, marker)
    if of_organization is None:
        return DeployRights(), []
    return checks.deploy_rights(base, head, of_organization)


@lru_cache(1)
def _organization(file: Path, marker: str) -> Graph:
    return EncodedGraph(ORGANIZATION, file.read_bytes(), marker).graph


def _refused(changes: Sequence[Change], stack: str) -> Iterable[Fault]:
    for change in changes:
        if change.refused:
            problem = f"{change.type} {change.name}: {change.refused}"
            yield Fault(problem=problem, stack=stack, place=change.place)


def _ranked(found: Iterable[Finding]) -> list[Finding]:
    return sorted(found, key=lambda each: (RANK[each.severity], each.rule, each.urn))


def _finding_line(found: Finding) -> FindingLine:
    return FindingLine(
        origin=found.origin,
        rule=found.rule,
        severity=found.severity,
        urn=found.urn,
        message=found.message,
        why=found.why,
        place=_place(found.source),
    )


def _access_line(change: checks.AccessChange) -> AccessLine:
    return AccessLine(
        urn=change.urn,
        text=change.text,
        level=change.level,
        severity=change.severity,
        why=change.why,
        place=_place(change.source),
    )


def _place(source: Source | None) -> Place | None:
    return Place(file=source.file, line=source.line) if source is not None else None
