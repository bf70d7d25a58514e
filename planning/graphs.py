"""Graphs as they come from a side: compared as text, and understood where they differ."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rehearsal.graph import Graph, Resource, Source
from rehearsal.values import UNKNOWN, Reference, Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = frozenset(Resource.__dataclass_fields__)
_TUPLES = frozenset(
    {"ignore_changes", "replace_on_changes", "additional_secret_outputs", "aliases"}
)


class EncodingError(Exception):
    """What a side sent is no graph."""


@dataclass(frozen=True)
class EncodedGraph:
    """One stack's graph as its side sent it.

    Secrets are digests under a key of this run: they compare, and tell nothing.
    """

    stack: str
    body: bytes
    marker: str
    like: EncodedGraph | None = None
    """The same stack's graph at the other commit: what is the same is understood once."""

    @cached_property
    def lines(self) -> Mapping[str, list[str]]:
        """The parts of each resource's line, by its URN, in the order of registration."""
        found: dict[str, list[str]] = {}
        for line in self._text.split("\n")[:-2]:
            parts = line.split("\t")
            if len(parts) != 4:
                raise EncodingError(f"{self.stack}: the programs interfere with their evaluation")
            found[_string(parts[0])] = parts
        return found

    @cached_property
    def _text(self) -> str:
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            raise EncodingError(f"{self.stack}: its graph is no text") from None

    @cached_property
    def _urns(self) -> list[str]:
        return list(self.lines)

    @cached_property
    def exports(self) -> dict[str, Any]:
        """What the stack exports."""
        return dict(self._decode(self._text.rsplit("\n", 1)[-1]))

    @cached_property
    def suppressions(self) -> tuple[Mapping[str, str], ...]:
        """The findings that the catalog accepts in the stack."""
        return tuple(json.loads(self._text.rsplit("\n", 2)[-2]))

    def resource(self, urn: str) -> Resource:
        """One resource, with secrets whose value is a digest."""
        found = self._resources.get(urn)
        if found is None:
            found = self._resources[urn] = self._shared(urn) or self._understood(urn)
        return found

    @cached_property
    def _resources(self) -> dict[str, Resource]:
        return {}

    def _shared(self, urn: str) -> Resource | None:
        """The other commit's, where its line is the same and its numbers mean the same."""
        if self.like is None or self.like.lines.get(urn) != self.lines[urn] or not self._aligned:
            return None
        return self.like.resource(urn)

    @cached_property
    def _aligned(self) -> bool:
        return self.like is not None and self.like._urns == self._urns

    def _understood(self, urn: str) -> Resource:
        _, source, edges, rest = self.lines[urn]
        values = {key: item for key, item in self._decode(rest).items() if key in _FIELDS}
        for key in _TUPLES & values.keys():
            values[key] = tuple(values[key])
        waits, by_property = json.loads(edges)
        file, _, line = _string(source).rpartition(":")
        return Resource(
            **{"custom": False, "type": "", "name": "", **values},
            urn=urn,
            source=Source(file, int(line)) if line.isdigit() else None,
            dependencies=self._named(waits),
            property_dependencies={key: self._named(each) for key, each in by_property.items()},
        )

    def property_dependencies(self, urn: str) -> Mapping[str, tuple[str, ...]]:
        """Which resources each of a resource's inputs takes its value from."""
        _, by_property = json.loads(self.lines[urn][2])
        return {key: self._named(each) for key, each in by_property.items()}

    @cached_property
    def graph(self) -> Graph:
        """The whole graph, for checks that look at all of it."""
        return Graph(
            stack=self.stack,
            resources={urn: self.resource(urn) for urn in self.lines},
            exports=self.exports,
            suppressions=self.suppressions,
        )

    def _named(self, numbers: list[Any]) -> tuple[str, ...]:
        return tuple(self._urns[each] if isinstance(each, int) else str(each) for each in numbers)

    def _decode(self, text: str) -> Any:
        # Most resources have nothing that is marked, and are read several times as fast.
        return self._marked.decode(text) if self.marker in text else json.loads(text)

    @cached_property
    def _marked(self) -> json.JSONDecoder:
        return json.JSONDecoder(object_hook=self._unmarked)

    def _unmarked(self, value: dict[str, Any]) -> Any:
        match value.get(self.marker):
            case ["secret", str(digest)]:
                return Secret(digest)
            case ["unknown"]:
                return UNKNOWN
            case ["reference", str(urn), identity]:
                return Reference(urn, identity)
            case _:
                return value


def _string(text: str) -> str:
    """A string out of JSON, which hardly ever has anything escaped."""
    plain = text[1:-1]
    if text == f'"{plain}"' and '"' not in plain and "\\" not in plain:
        return plain
    return str(json.loads(text))
