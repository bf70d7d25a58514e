"""Parses the part of YAML that everybody reads alike: mappings, sequences and scalars.

Anchors, aliases, merge keys, tags, repeated keys, second documents and deep nesting are faults.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from catalog.document import Node
from catalog.faults import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.document import Document, Location
    from catalog.faults import Rule

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML has it: the same positions at a tenth of the time."""

MAXIMUM_DEPTH = 20
AMBIGUOUS_NUMBER = re.compile(r"^[-+]?(0[0-9_]+|[0-9][0-9_]*_[0-9_]*|[0-9]+(:[0-5]?[0-9])+)$")
"""Octal, underscored and base-60 numbers: YAML 1.1 and 1.2 read these differently."""


class _TooDeepError(Exception):
    pass


@dataclass(slots=True)
class _Open:
    """A collection that is still being read."""

    node: Node
    location: Location
    pending: str | None = None
    """The key whose value comes next."""
    items: list[Any] = field(default_factory=list)
    is_mapping: bool = False


def parse(document: Document, text: str) -> None:
    """Parse a file's text into `document.root`, adding what is wrong to its faults."""
    loader = Loader(text)
    try:
        _Reader(document).read(loader)
    except _TooDeepError:
        document.root = None
    except yaml.YAMLError as error:
        document.root = None
        _syntax_fault(document, text, error)
    finally:
        loader.dispose()


class _Reader:
    """Builds the tree from the parser's events, with a stack of its own instead of recursion."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Open] = []

    def read(self, loader: Any) -> None:
        # A thousand files make a hundred thousand events, most of them scalars.
        acts: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._open,
            yaml.SequenceStartEvent: self._open,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
        }
        documents = 0
        while loader.check_event():
            event = loader.get_event()
            act = acts.get(type(event))
            if act is not None:
                act(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fault(
                        "multiple-documents",
                        event,
                        "a second YAML document starts here",
                        given="---",
                        allowed="one document a file",
                        remedy="move it to a file of its own",
                    )
                    return

    def _fault(
        self, rule: Rule, event: Any, problem: str, *, given: str, allowed: str, remedy: str
    ) -> None:
        line, column = _mark(event)
        self.document.add_at(
            rule, line, column, problem, given=given, allowed=allowed, remedy=remedy
        )

    def _check_properties(self, event: Any) -> None:
        if event.anchor is not None:
            self._fault(
                "alias",
                event,
                "anchors are not allowed",
                given=shown(f"&{event.anchor}"),
                allowed="values written out where they are used",
                remedy="remove the anchor",
            )
        if event.tag is not None:
            self._fault(
                "tag",
                event,
                "YAML tags are not allowed",
                given=shown(event.tag),
                allowed="plain mappings, sequences and scalars",
                remedy="remove the tag; quote the value if it has to be a string",
            )

    def _alias(self, event: Any) -> None:
        self._fault(
            "alias",
            event,
            "aliases are not allowed",
            given=shown(f"*{event.anchor}"),
            allowed="values written out where they are used",
            remedy="write the value itself",
        )
        self._place(Node(None, *_mark(event)), spoiled=True)

    def _scalar(self, event: Any) -> None:
        self._check_properties(event)
        text: str = event.value
        if self._awaits_key():
            self._key(event, text)
            return
        line, column = _mark(event)
        plain = event.implicit[0] and event.tag is None
        if plain and AMBIGUOUS_NUMBER.match(text):
            self._fault(
                "ambiguous-number",
                event,
                "YAML readers disagree about this number",
                given=text,
                allowed="a decimal number, or a string in quotes",
                remedy=f'write "{text}" in quotes, or the number in plain decimal digits',
            )
            self._place(Node(text, line, column, text), spoiled=True)
            return
        self._place(Node(resolve(text) if plain else text, line, column, text))

    def _awaits_key(self) -> bool:
        if not self.stack:
            return False
        inner = self.stack[-1]
        return inner.is_mapping and inner.pending is None

    def _key(self, event: Any, text: str) -> None:
        parent = self.stack[-1]
        line, column = _mark(event)
        plain = event.implicit[0]
        if plain and text == "<<":
            self._fault(
                "alias",
                event,
                "merge keys are not allowed",
                given="<<",
                allowed="values written out where they are used",
                remedy="write the keys themselves",
            )
        elif plain and not isinstance(resolve(text), str):
            self._fault(
                "wrong-type",
                event,
                "YAML does not read this key as a string",
                given=shown(text),
                allowed="a string",
                remedy=f'write "{shown(text)}" in quotes',
            )
        elif text in parent.node.keys:
            first = parent.node.keys[text][0]
            self._fault(
                "duplicate-key",
                event,
                f"the key `{shown(text)}` is here a second time",
                given=shown(text),
                allowed=f"each key once; the first stands in line {first}",
                remedy="remove one of the two, or rename it",
            )
        parent.node.keys.setdefault(text, (line, column))
        parent.pending = text

    def _open(self, event: Any) -> None:
        self._check_properties(event)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if len(self.stack) >= MAXIMUM_DEPTH:
            self._fault(
                "too-deep",
                event,
                "values are nested too deeply",
                given=f"more than {MAXIMUM_DEPTH} levels",
                allowed=f"{MAXIMUM_DEPTH} levels",
                remedy="remove what does not belong into this file",
            )
            raise _TooDeepError
        if self._awaits_key():
            self._fault(
                "wrong-type",
                event,
                "a key must be a string",
                given="a mapping" if is_mapping else "a sequence",
                allowed="a string",
                remedy="put quotes around it where it starts with a bracket or a brace",
            )
            raise _TooDeepError
        node = Node({} if is_mapping else (), *_mark(event))
        self.stack.append(_Open(node, self._next_location(), is_mapping=is_mapping))

    def _close(self, _event: Any) -> None:
        closed = self.stack.pop()
        if not closed.is_mapping:
            closed.node.value = tuple(closed.items)
        self._place(closed.node)

    def _next_location(self) -> Location:
        if not self.stack:
            return ()
        parent = self.stack[-1]
        step = parent.pending if parent.is_mapping else len(parent.items)
        return (*parent.location, step if step is not None else "")

    def _place(self, node: Node, *, spoiled: bool = False) -> None:
        if spoiled:
            self.document.spoiled.add(self._next_location())
        if not self.stack:
            self.document.root = node
            return
        parent = self.stack[-1]
        if parent.is_mapping:
            key, parent.pending = parent.pending or "", None
            if key not in parent.node.children:
                parent.node.children[key] = node
                parent.node.value[key] = node.value
        else:
            parent.node.children[len(parent.items)] = node
            parent.items.append(node.value)


def _mark(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers
_CONSTRUCTOR: Any = yaml.constructor.SafeConstructor()
_CONSTRUCTORS: dict[str, Any] = {
    "tag:yaml.org,2002:null": _CONSTRUCTOR.construct_yaml_null,
    "tag:yaml.org,2002:bool": _CONSTRUCTOR.construct_yaml_bool,
    "tag:yaml.org,2002:int": _CONSTRUCTOR.construct_yaml_int,
    "tag:yaml.org,2002:float": _CONSTRUCTOR.construct_yaml_float,
}
"""Dates stay strings: no field of the catalog is one."""


@lru_cache(maxsize=8192)
def resolve(text: str) -> Any:
    """What YAML 1.1 makes of a plain scalar; dates stay strings."""
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            construct = _CONSTRUCTORS.get(tag)
            if construct is None:
                return text
            try:
                return construct(yaml.ScalarNode(tag, text))
            except ValueError:  # An integer of thousands of digits, which Python declines.
                return text
    return text


def _syntax_fault(document: Document, text: str, error: yaml.YAMLError) -> None:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    lines = text.splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    remedy = "correct the line, or the one before it"
    if "\t" in source[: len(source) - len(source.lstrip())] or "'\\t'" in str(problem):
        remedy = "indent with spaces: YAML does not allow tabs"
    elif "mapping values are not allowed" in problem:
        remedy = "put the value in quotes if it holds a colon and a space"
    document.add_at(
        "syntax",
        line,
        column,
        f"this is not YAML: {problem}" + (f" ({context})" if context else ""),
        given=shown(source.strip()) if source.strip() else "",
        allowed="YAML",
        remedy=remedy,
    )
