"""One resource at both commits, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from planning.document import Change, Place, PropertyChange
from planning.replacement.forces import keeps_its_name, verdict
from rehearsal.changes import top_level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from planning.document import Action
    from planning.graphs import EncodedGraph
    from rehearsal.graph import Resource


@dataclass
class Compared:
    """Both sides of a resource, and what becomes of it."""

    urn: str
    before: Resource | None
    after: Resource | None
    action: Action
    properties: list[PropertyChange] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    deleted_first: bool = False

    @property
    def resource(self) -> Resource:
        """The resource at the head, or at the base where it is gone."""
        found = self.after or self.before
        assert found is not None
        return found

    def change(self) -> Change:
        """What a plan says of it, without its consequences."""
        source = self.resource.source
        removed = self.before is not None and self.action in ("delete", "replace")
        protected = self.before is not None and self.before.protect
        retained = self.before is not None and self.before.retain_on_delete
        former = self.before.urn if self.before is not None else ""
        return Change(
            urn=self.urn,
            type=self.resource.type,
            name=self.resource.name,
            action="forget" if self.action == "delete" and retained else self.action,
            place=Place(file=source.file, line=source.line) if source is not None else None,
            properties=tuple(self.properties),
            reasons=tuple(dict.fromkeys(self.reasons)),
            former=former if former not in ("", self.urn) else "",
            protected=self.resource.protect,
            retained=retained,
            deleted_first=self.deleted_first,
            refused=_refusal(self) if removed and protected else "",
        )


def judge(resource: Resource, change: PropertyChange, graph: EncodedGraph) -> PropertyChange:
    """A changed property, with why it makes the resource anew where it does."""
    if not resource.custom:
        return change
    wanted = top_level(resource.replace_on_changes)
    if "*" in wanted or change.path.split(".")[0].split("[")[0] in wanted:
        return change.model_copy(update={"replaces": "the program asks for it (replaceOnChanges)"})
    found = verdict(resource.type, change.path, _provider_inputs(resource, graph))
    if found.answer == "replaces":
        return change.model_copy(update={"replaces": found.why})
    return change


def set_order(compared: Compared) -> None:
    """Decide whether the old one goes before the new one is there."""
    before, after = compared.before, compared.after
    assert before is not None
    assert after is not None
    if after.delete_before_replace:
        compared.deleted_first = True
    elif keeps_its_name(after.type, before.inputs, after.inputs):
        compared.deleted_first = True
        compared.reasons.append("old and new have the same name, so the old one is deleted first")


def _provider_inputs(resource: Resource, graph: EncodedGraph) -> Mapping[str, Any]:
    if not resource.type.startswith("kubernetes:") or not resource.provider:
        return {}
    urn = resource.provider.rpartition("::")[0]
    for each in (urn, resource.provider):
        if each in graph.lines:
            return graph.resource(each).inputs
    return {}


def _refusal(compared: Compared) -> str:
    what = "replace" if compared.action == "replace" else "delete"
    return (
        f"Pulumi refuses to {what} it: it is protected. Take `protect` off in a change of its own "
        "before, if that is what you want"
    )
