"""Graphs as a side sends them, written by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planning.graphs import EncodedGraph
from rehearsal.values import Secret, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARKER = "marker"
STACK = "cell.test"


def urn(type: str, name: str) -> str:
    return f"urn:pulumi:{STACK}::patchworks::{type}::{name}"


def resource(type: str, name: str, inputs: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """One resource; `uses` names those that each input takes its value from."""
    return {"type": type, "name": name, "custom": True, "inputs": dict(inputs), **options}


def graph(*resources: Mapping[str, Any], exports: Mapping[str, Any] | None = None) -> EncodedGraph:
    """A graph of resources, in their order."""
    lines = []
    for each in resources:
        fields = {key: value for key, value in each.items() if key not in ("uses", "urn")}
        uses: Mapping[str, Sequence[str]] = each.get("uses", {})
        waits = sorted({source for sources in uses.values() for source in sources})
        own = each.get("urn", urn(each["type"], each["name"]))
        parts = [own, "components/x.py:7", [waits, uses], fields]
        lines.append("\t".join(json.dumps(part, default=_marked) for part in parts))
    lines.append("[]")
    lines.append(json.dumps(dict(exports or {}), default=_marked))
    return EncodedGraph(STACK, "\n".join(lines).encode(), MARKER)


def _marked(value: Any) -> Any:
    match value:
        case Secret():
            return {MARKER: ["secret", value.value]}
        case Unknown():
            return {MARKER: ["unknown"]}
        case _:
            return dict(value)
