"""A plan as the one comment of a pull request: bounded, the most important first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.outputs.budget import Budget
from planning.outputs.escape import code, plain
from planning.outputs.escape import where as where_is
from planning.outputs.wording import (
    DONE,
    broken,
    count,
    coverage,
    groups,
    joined,
    marked,
    property_line,
    summary,
    title,
)
from planning.severity import RANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planning.document import (
        AccessLine,
        Change,
        Fault,
        FindingLine,
        Move,
        Plan,
        PropertyChange,
        StackPlan,
    )

MOST_BYTES = 64_000
"""GitHub takes 65,536 characters; so many bytes are never more, with room for a marker."""
MOST_BYTES_OF_FINDINGS = 12_000
"""What new findings may take of it, so that there is room left for what changes."""
LIGHTS = {"high": "🔴", "medium": "🟠", "low": "🟡"}
MOST_PROPERTIES = 10
MOST_ALIKE = 8


def render(plan: Plan) -> str:
    """The plan, cut to what one comment may have."""
    out = Budget(MOST_BYTES)
    out.say(f"## Plan: {plain(summary(plan))}\n")
    out.say(f"{code(plan.base.title)} → {code(plan.head.title)}. {plain(coverage(plan))}.\n")
    for side, name in ((plan.base, "base"), (plan.head, "head")):
        opening = f"> [!CAUTION]\n> **{broken(side, name)}** ({code(side.title)})\n"
        out.section("errors", opening, (_fault(each) for each in side.errors))
    alike = groups(plan.stacks)
    first = {group[0].stack: len(group) - 1 for group in alike}
    out.section("consequences", "### Do not miss\n", _marks(plan, first))
    out.section("faults", "### Faults\n", _faults(plan))
    out.section("moves", "### Moves\n", map(_move, plan.moves))
    shown = [group[0] for group in alike]
    gained = [
        (line, stack) for stack in shown for line in stack.access.gained if line.severity != "low"
    ]
    gained.sort(key=lambda each: RANK[each[0].severity])
    out.section(
        "permissions gained",
        f"### {count(len(gained), 'permission')} gained\n",
        (_access(line, stack, first) for line, stack in gained),
    )
    new = [(line, stack) for stack in shown for line in stack.findings.new]
    out.section(
        "new findings",
        f"### {count(len(new), 'new finding')}\n",
        _findings(new, first),
        most=MOST_BYTES_OF_FINDINGS,
    )
    _changes(out, alike)
    _folded(out, plan, shown, first)
    return out.close(_closing(out))


def _marks(plan: Plan, first: dict[str, int]) -> Iterator[str]:
    for mark, stack, change in marked(plan):
        if stack.stack in first:
            where = f" ({where_is(change.place)})" if change and change.place else ""
            yield (
                f"- {LIGHTS[mark.severity]} **{title(mark.kind)}** in {_of(stack, first)}: "
                f"{plain(mark.text)}{where}"
            )


def _faults(plan: Plan) -> Iterator[str]:
    yield from (_fault(each) for each in plan.faults)
    for group in groups(plan.stacks):
        # A finding has its own place below.
        found = {f"{line.rule}: {line.message}" for line in group[0].findings.new}
        for each in group[0].faults:
            if each.problem in found:
                continue
            more = f" and in {count(len(group) - 1, 'stack')} alike" if len(group) > 1 else ""
            yield _fault(each, more)


def _fault(fault: Fault, more: str = "") -> str:
    where = f"{where_is(fault.place)}: " if fault.place is not None else ""
    stack = f"{code(fault.stack)}{more}: " if fault.stack else ""
    remedy = f"<br>{plain(fault.remedy)}" if fault.remedy else ""
    return f"- {where}{stack}{plain(fault.problem)}{remedy}"


def _move(move: Move) -> str:
    kind = f" ({plain(move.kind)})" if move.kind else ""
    lines = [f"- {code(move.tenant)}: {code(str(move.before))} → {code(str(move.after))}{kind}"]
    lines += [f"  - **Refused**: {plain(each)}" for each in move.refused]
    lines += [f"  {number}. {plain(each)}" for number, each in enumerate(move.steps, 1)]
    if move.reviewers:
        lines.append(f"  - Reviewers: {plain(joined(move.reviewers))}")
    if move.not_known:
        lines.append(f"  - Not known offline: {plain(joined(move.not_known))}")
    return "\n".join(lines)


def _access(line: AccessLine, stack: StackPlan, first: dict[str, int]) -> str:
    why = f" ({plain('; '.join(line.why))})" if line.why else ""
    where = f" {where_is(line.place)}" if line.place is not None else ""
    return (
        f"- {LIGHTS[line.severity]} {plain(line.level)} in {_of(stack, first)}: "
        f"{plain(line.text)}{why}{where}"
    )


def _findings(
    lines: Iterable[tuple[FindingLine, StackPlan]], first: dict[str, int]
) -> Iterator[str]:
    """Findings by severity; what to do about a rule is said once."""
    said: set[str] = set()
    for line, stack in sorted(lines, key=lambda each: RANK[each[0].severity]):
        yield _finding(line, stack, first, remedy=line.rule not in said)
        said.add(line.rule)


def _finding(
    line: FindingLine, stack: StackPlan, first: dict[str, int], *, remedy: bool = True
) -> str:
    where = f" {where_is(line.place)}" if line.place is not None else ""
    why = f"<br>{plain(line.why)}" if remedy else ""
    return (
        f"- {LIGHTS[line.severity]} {code(line.rule)} in {_of(stack, first)}: "
        f"{plain(line.message)}{where}{why}"
    )


def _of(stack: StackPlan, first: dict[str, int]) -> str:
    more = first.get(stack.stack, 0)
    return code(stack.stack) + (f" and {count(more, 'stack')} alike" if more else "")


def _changes(out: Budget, alike: Iterable[list[StackPlan]]) -> None:
    for group in alike:
        stack = group[0]
        items = [_change(each) for each in stack.changes]
        items += [_property(each, "- export ") for each in stack.exports]
        counts: dict[str, int] = {}
        for change in stack.changes:
            counts[DONE[change.action]] = counts.get(DONE[change.action], 0) + 1
        what = ", ".join(f"{number:,} {done}" for done, number in counts.items())
        names = ""
        if len(group) > 1:
            listed = ", ".join(code(each.stack) for each in group[1 : MOST_ALIKE + 1])
            rest = len(group) - 1 - MOST_ALIKE
            names = f"Alike: {listed}" + (f" and {rest:,} more" if rest > 0 else "") + ".\n"
        more = f" and {count(len(group) - 1, 'stack')} alike" if len(group) > 1 else ""
        opening = (
            f"<details><summary><b>{plain(stack.stack)}</b>{more} {plain(stack.status)}: "
            f"{plain(what or 'exports')}, {stack.unchanged:,} unchanged</summary>\n\n{names}"
        )
        out.section("changes", opening, items, "\n</details>")


def _change(change: Change) -> str:
    kind = change.type.rpartition(":")[2]
    where = f" {where_is(change.place)}" if change.place is not None else ""
    lines = [f"- **{DONE[change.action]}** {plain(kind)} {code(change.name)}{where}"]
    if change.former:
        lines.append(f"  - was {code(change.former)}")
    lines += [f"  - {plain(each)}" for each in change.reasons]
    if change.deleted_first and not change.reasons:
        lines.append("  - the old one is deleted before the new one is made")
    if change.refused:
        lines.append(f"  - **{plain(change.refused)}**")
    lines += [_property(each, "  - ") for each in change.properties[:MOST_PROPERTIES]]
    if len(change.properties) > MOST_PROPERTIES:
        more = count(len(change.properties) - MOST_PROPERTIES, "property")
        lines.append(f"  - and {more} more")
    return "\n".join(lines)


def _property(change: PropertyChange, lead: str) -> str:
    forces = f" **replaces**: {plain(change.replaces)}" if change.replaces else ""
    verb = {"added": "added ", "removed": "removed ", "changed": ""}[change.kind]
    return f"{lead}{code(change.path)}: {verb}{code(property_line(change))}{forces}"


def _folded(out: Budget, plan: Plan, shown: list[StackPlan], first: dict[str, int]) -> None:
    missing = [(each, stack) for stack in shown for each in stack.deploy.missing]
    unused = [(each, stack) for stack in shown for each in stack.deploy.unused]
    lost = [(line, stack) for stack in shown for line in stack.access.lost]
    slight = [
        (line, stack) for stack in shown for line in stack.access.gained if line.severity == "low"
    ]
    old = [(line, stack) for stack in shown for line in stack.findings.old]
    gone = [(line, stack) for stack in shown for line in stack.findings.gone]
    suppressed = sum(stack.findings.suppressed for stack in plan.stacks)
    _fold(
        out,
        f"{count(len(missing), 'right')} that the deploy role lacks",
        [
            f"- {code(each.action)} on {code(each.resource)} in {_of(stack, first)}"
            for each, stack in missing
        ],
    )
    _fold(
        out,
        f"{count(len(slight), 'permission')} gained that nothing makes dangerous",
        [_access(line, stack, first) for line, stack in slight],
    )
    _fold(
        out,
        f"{count(len(lost), 'permission')} lost",
        [_access(line, stack, first) for line, stack in lost],
    )
    _fold(
        out,
        f"{count(len(unused), 'right')} that the deploy role does not need",
        [f"- {code(each.action)} in {_of(stack, first)}" for each, stack in unused],
    )
    _fold(
        out,
        f"{count(len(gone), 'finding')} gone",
        [_finding(line, stack, first) for line, stack in gone],
    )
    _fold(
        out,
        f"{count(len(old), 'finding')} that were there before, {suppressed:,} suppressed",
        [_finding(line, stack, first) for line, stack in old],
    )
    told = [plain(each) for each in plan.not_known]
    told += [
        f"{_of(stack, first)}: {plain(each)}"
        for stack in shown
        for each in (*stack.not_known, *stack.access.not_understood, *stack.deploy.not_known)
    ]
    _fold(out, "Not known offline", [f"- {each}" for each in dict.fromkeys(told)])


def _fold(out: Budget, name: str, items: list[str]) -> None:
    opening = f"<details><summary>{name}</summary>\n"
    out.section(name.lstrip("0123456789, ").lower(), opening, items, "\n</details>")


def _closing(out: Budget) -> str:
    if not out.left_out:
        return ""
    parts = joined(f"{number:,} of {name}" for name, number in out.left_out.items())
    return f"**Left out for want of room: {plain(parts)}.** The run's artifact `plan` has them all."
