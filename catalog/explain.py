"""Turns pydantic's errors into faults: where it is, what was given, what is allowed, what to do."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, NamedTuple, get_origin

from catalog.base import RefusedError
from catalog.faults import Rule, shown
from catalog.shape import (
    accepts,
    annotation_at,
    annotation_of_key,
    describe,
    is_model,
    keys_at,
    peel,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel, ValidationError

    from catalog.document import Document, Location


def explain(document: Document, model: type[BaseModel], error: ValidationError) -> None:
    """Add a fault to the document for each of pydantic's errors."""
    for detail in error.errors(include_url=False):
        location: Location = tuple(detail["loc"])
        is_key = bool(location) and location[-1] == "[key]"
        if is_key:
            location = location[:-1]
        if document.is_spoiled(location):
            continue
        if detail["type"] == "extra_forbidden":
            _unknown_key(document, model, location)
        elif detail["type"] == "missing":
            _missing_key(document, model, location)
        else:
            _bad_value(document, model, location, dict(detail), is_key=is_key)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a person most likely meant, if one is near enough."""
    known = list(known)
    extended = [k for k in known if len(k) > 1 and (word.startswith(k) or k.startswith(word))]
    if word and len(extended) == 1:
        return extended[0]
    matches = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return matches[0] if matches else None


def below(location: Location) -> str:
    """A location in words, such as ` in services.api`."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return f" in {shown(text)}" if text else ""


def _unknown_key(document: Document, model: type[BaseModel], location: Location) -> None:
    key = str(location[-1])
    known = keys_at(model, location[:-1])
    parent = document.node(location[:-1])
    present = set(parent.keys) if parent is not None else set()
    guess = nearest(key, [k for k in known if k not in present] or known)
    document.add(
        "unknown-key",
        location,
        f"unknown key `{shown(key)}`{below(location[:-1])}",
        given=shown(key),
        allowed=", ".join(known),
        remedy=f"did you mean `{guess}`?" if guess else "remove it",
        key=True,
    )


def _missing_key(document: Document, model: type[BaseModel], location: Location) -> None:
    key = str(location[-1])
    document.add(
        "missing-key",
        location,
        f"`{key}` is missing{below(location[:-1])}",
        allowed=f"{key}: {describe(annotation_at(model, location))}",
        remedy=f"add `{key}`",
        key=True,
    )


NETWORK = "a network such as 203.0.113.0/24 or 2001:db8::/32"

_SIZES = {
    "greater_than_equal": "{ge:g} or more",
    "less_than_equal": "{le:g} or less",
    "greater_than": "more than {gt:g}",
    "less_than": "less than {lt:g}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_too_short": "at least {min_length} character{s}",
    "string_too_long": "at most {max_length} character{s}",
    "too_short": "at least {min_length} item{s}",
    "too_long": "at most {max_length} item{s}",
}


class _Verdict(NamedTuple):
    rule: Rule
    problem: str
    allowed: str
    remedy: str


def _bad_value(
    document: Document,
    model: type[BaseModel],
    location: Location,
    detail: dict[str, Any],
    *,
    is_key: bool,
) -> None:
    annotation = (annotation_of_key if is_key else annotation_at)(model, location)
    node = document.node(location)
    given = location[-1] if is_key else node.value if node is not None else None
    context: dict[str, Any] = detail.get("ctx", {})
    if (
        detail["type"] == "too_short"
        and len(node.children if node else ()) >= context["min_length"]
    ):
        # Pydantic counts items that are faulty for reasons of their own as absent.
        return
    rule, problem, allowed, remedy = _judge(detail["type"], context, given, annotation)
    if is_key:
        problem = f"is not a good name: it {problem}"
    text = shown(given)
    mistaken = rule in {"wrong-type", "not-allowed"} and not isinstance(given, str | tuple | dict)
    if node is not None and not is_key and mistaken:
        text, remedy = _unquoted(node.text or "", given, annotation, remedy)
    name, place = _name(location)
    document.add(
        rule,
        location,
        f"{name}{place} {problem}",
        given=text,
        allowed=allowed,
        remedy=remedy,
        key=is_key,
    )


def _judge(kind: str, context: dict[str, Any], given: object, annotation: Any) -> _Verdict:
    """What one of pydantic's types of error means to the person who wrote the value."""
    refused = context.get("error")
    if isinstance(refused, RefusedError):
        described = describe(annotation)
        allowed = described if described != "a string" else NETWORK
        return _Verdict("malformed", str(refused), allowed, refused.remedy)
    if kind in _SIZES:
        count = context.get("min_length" if "short" in kind else "max_length")
        allowed = _SIZES[kind].format(**context, s="" if count == 1 else "s")
        if kind in {"too_short", "too_long"}:
            return _Verdict(
                "too-few" if kind == "too_short" else "wrong-length",
                "has the wrong number of item{s}",
                allowed,
                f"write {allowed}",
            )
        if kind.startswith("string"):
            return _Verdict("wrong-length", "has the wrong length", allowed, f"use {allowed}")
        return _Verdict("out-of-range", "is out of range", allowed, f"write {allowed}")
    allowed = describe(annotation)
    if kind == "string_pattern_mismatch":
        return _Verdict("malformed", "is malformed", allowed, _corrected(given, annotation))
    if kind == "literal_error":
        remedy = _choice(given, allowed.removeprefix("one of ").split(", "))
        return _Verdict("not-allowed", "is not a value that is allowed here", allowed, remedy)
    return _Verdict("wrong-type", "has the wrong type", allowed, _reshaped(given, annotation))


def _name(location: Location) -> tuple[str, str]:
    """What a value is called, and in what it stands."""
    if not location:
        return "the file", ""
    if isinstance(location[-1], int) and len(location) > 1:
        return f"item {location[-1] + 1} of `{location[-2]}`", below(location[:-2])
    return f"`{shown(location[-1])}`", below(location[:-1])


def _corrected(given: object, annotation: Any) -> str:
    """The value as it was probably meant, where a small change makes it valid."""
    if isinstance(given, str) and annotation is not None:
        if accepts(annotation, "Two words"):
            guesses = ["".join(c for c in given if c.isprintable())]
        else:
            words = "-".join(re.findall(r"[a-z0-9]+", given.lower()))
            guesses = [given.strip(), given.lower().rstrip("."), given.upper(), words]
        for guess in guesses:
            if guess and accepts(annotation, guess):
                return f"write {shown(guess)}"
    return "correct the value"


def _reshaped(given: object, annotation: Any) -> str:
    """What to do about a value of the wrong type, by the shape that is wanted."""
    inner = peel(annotation)
    if get_origin(inner) is tuple:
        return "write the items on lines of their own, each after a hyphen"
    if is_model(annotation) or get_origin(inner) is dict:
        return "write its keys on lines of their own, indented"
    if isinstance(given, tuple) and len(given) == 1:
        return f"write {shown(given[0])} without brackets and hyphens"
    return "correct the value"


def _choice(given: object, choices: list[str]) -> str:
    guess = nearest(given, choices) if isinstance(given, str) else None
    return f"did you mean {guess}?" if guess else f"write {' or '.join(choices)}"


def _unquoted(text: str, value: object, annotation: Any, remedy: str) -> tuple[str, str]:
    """What was written, what YAML made of it, and whether quotes would put it right."""
    made = {bool: "a boolean", int: "a number", float: "a number", type(None): "nothing"}
    if not text:
        return "nothing", remedy
    given = f"{shown(text)} (which YAML reads as {made.get(type(value), 'no string')})"
    if annotation is not None and accepts(annotation, text):
        return given, f'put it in quotes: "{shown(text)}"'
    return given, remedy
