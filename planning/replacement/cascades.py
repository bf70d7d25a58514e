"""What follows from a replacement: who takes a value from what is made anew changes with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from planning.compared import Compared, judge, set_order
from planning.document import PropertyChange
from planning.properties import shown
from rehearsal.graph import STACK_REFERENCE_TYPE
from rehearsal.values import Secret, reveal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.graphs import EncodedGraph
    from rehearsal.graph import Resource


def spread(
    found: dict[str, Compared], base: EncodedGraph, head: EncodedGraph
) -> list[PropertyChange]:
    """Add to `found` what replacements bring about; returns the exports whose value is not known.

    As the engine does it: a value that only the cloud can give is another one after a replacement,
    and where that value can't be changed on what exists, its resource is replaced too. What is
    deleted before its replacement is there takes every dependent with it that could not live on
    with a changed value, whether the value changes or not.
    Source: `calculateDependentReplacements` in
    https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step_generator.go
    """
    waiting = [urn for urn, each in found.items() if each.action == "replace"]
    dependents = _dependents(head) if waiting else {}
    done: set[str] = set()
    while waiting:
        urn = waiting.pop(0)
        if urn in done:
            continue
        done.add(urn)
        waiting += [
            each
            for each in dependents.get(urn, ())
            if _follow(found, found[urn], each, base, head) and each not in done
        ]
    return list(_exports(found, done, head))


def _dependents(graph: EncodedGraph) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for urn in graph.lines:
        edges = graph.property_dependencies(urn)
        for source in dict.fromkeys(each for urns in edges.values() for each in urns):
            found.setdefault(source, []).append(urn)
    return found


def _follow(
    found: dict[str, Compared],
    replaced: Compared,
    urn: str,
    base: EncodedGraph,
    head: EncodedGraph,
) -> bool:
    """Note what a replacement does to one dependent; returns whether that is replaced too."""
    known = found.get(urn)
    if known is not None and (known.before is None or known.after is None):
        return False
    after = known.after if known is not None and known.after is not None else head.resource(urn)
    if not after.custom or after.type == STACK_REFERENCE_TYPE or after.is_provider:
        return False
    if known is None and urn not in base.lines:
        return False
    stands_for = placeholder(replaced.resource)
    named = [
        name
        for name, sources in after.property_dependencies.items()
        if replaced.urn in sources and name in after.inputs
    ]
    new = [judge(after, each, head) for name in named for each in _renewed(after, name, stands_for)]
    forced = [each.path for each in new if each.replaces]
    if replaced.deleted_first:
        # The engine asks the provider with the whole property unknown, not what lies below it.
        wholly = (PropertyChange(path=f"{name}.?", kind="changed") for name in named)
        forced += [each.path[:-2] for each in wholly if judge(after, each, head).replaces]
    if not new and not forced:
        return False
    compared = known or Compared(urn, base.resource(urn), after, "update")
    found[urn] = compared
    there = {each.path for each in compared.properties}
    compared.properties += [each for each in new if each.path not in there]
    if not forced:
        return False
    forced = list(dict.fromkeys(forced))
    name = replaced.resource.name
    if any(each.replaces for each in new):
        why = f"its {', '.join(forced)} is another once {name} is made anew"
    else:
        why = f"{name} is deleted before it is made anew, and its {', '.join(forced)} is fixed"
    compared.reasons.append(why)
    if compared.action != "replace":
        compared.action = "replace"
        set_order(compared)
    return True


def _renewed(resource: Resource, name: str, stands_for: str) -> Iterator[PropertyChange]:
    """The paths of an input whose value is another one after a replacement.

    Of a secret only a digest is there: whether the value is in it nobody can tell, so it is said.
    """

    def walk(value: Any, path: str) -> Iterator[PropertyChange]:
        match value:
            case dict():
                for key, item in value.items():
                    yield from walk(item, f"{path}.{key}")
            case list():
                for number, item in enumerate(value):
                    yield from walk(item, f"{path}[{number}]")
            case Secret():
                yield PropertyChange(
                    path=path, kind="changed", after=shown(value), secret=True, known=False
                )
            case _ if stands_for in _text(value):
                yield PropertyChange(path=path, kind="changed", after=shown(value), known=False)
            case _:
                return

    yield from walk(resource.inputs[name], name)


def _exports(
    found: dict[str, Compared], replaced: set[str], head: EncodedGraph
) -> Iterator[PropertyChange]:
    marks = [placeholder(found[urn].resource) for urn in replaced]
    if not marks:
        return
    for name, value in head.exports.items():
        text = _text(value)
        if any(mark in text for mark in marks):
            yield PropertyChange(path=name, kind="changed", after=shown(value), known=False)


def placeholder(resource: Resource) -> str:
    """How the text begins that stands for a value that only the cloud can give of a resource."""
    return json.dumps(f"<{resource.short_type} {resource.name}.", ensure_ascii=False)[1:-1]


def _text(value: Any) -> str:
    return json.dumps(reveal(value), ensure_ascii=False, default=str)
