"""A plan for a terminal, or for a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.outputs.wording import (
    SIGNS,
    broken,
    count,
    coverage,
    groups,
    marked,
    one_line,
    property_line,
    summary,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planning.document import Change, Fault, FindingLine, Move, Plan, StackPlan

MOST_PROPERTIES = 12
MOST_ALIKE = 12
"""Names that are listed of stacks which change alike."""


def render(plan: Plan) -> str:
    """The whole plan, the most important first."""
    return "\n".join(map(one_line, _lines(plan))) + "\n"


def render_faults(plan: Plan) -> str:
    """Why the plan ends with exit code 1, for where the whole of it goes elsewhere."""
    return "".join(f"{one_line(line)}\n" for line in _faults(plan.all_faults))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"{plan.base.title} → {plan.head.title}"
    yield f"{summary(plan)}. {coverage(plan)}."
    for side, name in ((plan.base, "base"), (plan.head, "head")):
        yield from _section(broken(side, name), _faults(side.errors))
    yield from _section(
        "Do not miss",
        (
            f"{mark.severity:6}  {title(mark.kind)}  {stack.stack}: {mark.text}"
            for mark, stack, _ in marked(plan)
        ),
    )
    of_stacks = [fault for stack in plan.stacks for fault in stack.faults]
    yield from _section("Faults", _faults((*plan.faults, *of_stacks)))
    yield from _section(
        "Moves",
        (
            line
            for move in plan.moves
            for line in (
                f"{move.tenant}: {move.before} → {move.after}{_kind(move)}",
                *(f"    refused: {each}" for each in move.refused),
                *(f"    {number}. {each}" for number, each in enumerate(move.steps, 1)),
                *(f"    reviewer: {each}" for each in move.reviewers),
                *(f"    not known offline: {each}" for each in move.not_known),
            )
        ),
    )
    for group in groups(plan.stacks):
        yield from _stack(group)
    told = dict.fromkeys(
        (
            *plan.not_known,
            *(f"{stack.stack}: {each}" for stack in plan.stacks for each in stack.not_known),
        )
    )
    yield from _section("Not known offline", told)


def _kind(move: Move) -> str:
    return f" ({move.kind})" if move.kind else ""


def _stack(group: list[StackPlan]) -> Iterator[str]:
    stack = group[0]
    yield ""
    alike = ""
    if len(group) > 1:
        names = ", ".join(each.stack for each in group[1 : MOST_ALIKE + 1])
        more = len(group) - 1 - MOST_ALIKE
        alike = f", and alike {names}" + (f" and {more:,} more" if more > 0 else "")
    yield f"{stack.stack}  {stack.status}, {stack.unchanged:,} unchanged{alike}"
    for change in stack.changes:
        yield from _change(change)
    for export in stack.exports:
        yield f"  ~ export {export.path}: {property_line(export)}"
    if stack.access.gained or stack.access.lost:
        yield f"  Permissions: {len(stack.access.gained)} gained, {len(stack.access.lost)} lost"
        for line in stack.access.gained:
            why = f" ({'; '.join(line.why)})" if line.why else ""
            yield f"    + {line.level}: {line.text}{why}"
        for line in stack.access.lost:
            yield f"    - {line.level}: {line.text}"
    for each in stack.access.not_understood:
        yield f"    ? {each}"
    for missing in stack.deploy.missing:
        yield f"  Deploy role lacks {missing.action} on {missing.resource}"
    if stack.deploy.unused:
        names = ", ".join(each.action for each in stack.deploy.unused)
        yield f"  Deploy role does not need {names}"
    found = stack.findings
    if found.new or found.gone or found.old or found.suppressed:
        yield (
            f"  Findings: {len(found.new)} new, {len(found.old)} old, {len(found.gone)} gone, "
            f"{found.suppressed} suppressed"
        )
        for sign, lines in (("+", found.new), ("-", found.gone), (" ", found.old)):
            yield from (f"    {sign} {_finding(each)}" for each in lines)


def _change(change: Change) -> Iterator[str]:
    kind = change.type.rpartition(":")[2]
    where = f"  {change.place}" if change.place is not None else ""
    notes = [*change.reasons]
    if change.former:
        notes.append(f"before: {change.former}")
    if change.deleted_first:
        notes.append("deleted before it is made anew")
    if change.refused:
        notes.append(change.refused)
    yield f"  {SIGNS[change.action]} {kind} {change.name}{where}"
    for each in change.properties[:MOST_PROPERTIES]:
        sign = {"added": "+", "removed": "-", "changed": "~"}[each.kind]
        forces = f"  [replaces: {each.replaces}]" if each.replaces else ""
        yield f"      {sign} {each.path}: {property_line(each)}{forces}"
    if len(change.properties) > MOST_PROPERTIES:
        yield f"      … and {count(len(change.properties) - MOST_PROPERTIES, 'property')} more"
    yield from (f"      {note}" for note in notes)
    yield from (f"      ! {title(mark.kind)}: {mark.text}" for mark in change.marks)


def _faults(faults: Iterable[Fault]) -> Iterator[str]:
    for fault in faults:
        yield _fault(fault)
        if fault.remedy:
            yield f"    {fault.remedy}"


def _fault(fault: Fault) -> str:
    where = f"{fault.place}: " if fault.place is not None else ""
    stack = f"{fault.stack}: " if fault.stack and fault.stack not in fault.problem else ""
    return f"{where}{stack}{fault.problem}"


def _finding(found: FindingLine) -> str:
    where = f"  {found.place}" if found.place is not None else ""
    return f"{found.severity} {found.rule}: {found.message}{where}"


def _section(name: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield name
        yield from (f"  {line}" for line in found)
