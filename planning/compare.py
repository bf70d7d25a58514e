"""What a change does to each resource of a stack, from its graphs at both commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from planning.compared import Compared, judge, set_order
from planning.document import PropertyChange
from planning.properties import differences
from planning.replacement.cascades import spread
from planning.replacement.forces import verdict
from rehearsal.changes import with_ignored
from rehearsal.graph import STACK_REFERENCE_TYPE, STACK_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from planning.document import Action
    from planning.graphs import EncodedGraph
    from rehearsal.graph import Resource

OPTIONS = ("protect", "retain_on_delete", "delete_before_replace")
"""Options whose change is shown as a change of its own; they touch Pulumi's state alone."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs between two graphs of a stack."""

    compared: tuple[Compared, ...]
    exports: tuple[PropertyChange, ...]
    unchanged: int
    renamed: Mapping[str, str]
    """The head's URN for each that the base had under another."""
    not_known: tuple[str, ...]


def compare(base: EncodedGraph | None, head: EncodedGraph | None) -> Comparison:
    """Compare a stack at two commits; None where it is not there."""
    old = base.lines if base is not None else {}
    new = head.lines if head is not None else {}
    found: dict[str, Compared] = {}
    renamed: dict[str, str] = {}
    unchanged = 0
    for urn, line in new.items():
        assert head is not None
        if urn in old and old[urn][3] == line[3]:
            unchanged += 1
            continue
        after = head.resource(urn)
        former = urn if urn in old else next((each for each in after.aliases if each in old), None)
        if former is None or base is None:
            found[urn] = Compared(urn, None, after, "create")
            continue
        if former != urn:
            renamed[former] = urn
        compared = _both(urn, base.resource(former), after, head)
        if compared is None:
            unchanged += 1
        else:
            found[urn] = compared
    for urn in old:
        if urn not in new and urn not in renamed:
            assert base is not None
            found[urn] = Compared(urn, base.resource(urn), None, "delete")
    exports = differences(
        base.exports if base is not None else {}, head.exports if head is not None else {}
    )
    if base is not None and head is not None:
        exports += spread(found, base, head)
    shown = [each for each in found.values() if _is_shown(each)]
    return Comparison(
        compared=tuple(shown),
        exports=tuple(exports),
        unchanged=unchanged,
        renamed=renamed,
        not_known=tuple(dict.fromkeys(_not_known(shown, exports))),
    )


def _both(urn: str, before: Resource, after: Resource, head: EncodedGraph) -> Compared | None:
    inputs = with_ignored(before.inputs, after.inputs, after.ignore_changes)
    changes = differences(before.inputs, inputs)
    judged = [judge(after, change, head) for change in changes]
    if before.type != after.type:
        judged.append(
            PropertyChange(path="type", kind="changed", before=before.type, after=after.type)
        )
    options = [
        PropertyChange(
            path=f"options.{name}",
            kind="changed",
            before=getattr(before, name),
            after=getattr(after, name),
        )
        for name in OPTIONS
        if getattr(before, name) != getattr(after, name)
    ]
    action: Action = "update"
    if any(change.replaces for change in judged):
        action = "replace"
    elif not judged and not options:
        if before.urn == after.urn:
            return None
        action = "rename"
    compared = Compared(urn, before, after, action, [*judged, *options])
    if action == "replace":
        set_order(compared)
    return compared


def _is_shown(compared: Compared) -> bool:
    """Components hold no real thing: their children tell; a rename of one is told by them too."""
    resource = compared.resource
    return resource.custom and resource.type not in (STACK_TYPE, STACK_REFERENCE_TYPE)


def _not_known(shown: list[Compared], exports: list[PropertyChange]) -> Iterator[str]:
    for each in shown:
        if each.action not in ("update", "replace") or each.after is None:
            continue
        for change in each.properties:
            if change.path.startswith("options.") or change.replaces:
                continue
            found = verdict(
                each.resource.type,
                change.path,
                {"enableConfigMapMutable": True, "enableSecretMutable": True},
            )
            if found.answer == "unknown":
                yield (
                    f"whether {change.path} of {each.resource.name} ({each.resource.short_type}) "
                    f"is changed in place: {found.why}"
                )
        if each.resource.is_provider:
            yield (
                f"whether the changed provider {each.resource.name} still reaches what it manages"
            )
    for export in exports:
        if not export.known:
            yield (
                f"what the export {export.path} will be, and what the stacks that read it do then"
            )
