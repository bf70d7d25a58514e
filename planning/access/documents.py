"""IAM policy documents brought to one form, whatever way they are written in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from planning.access import conditions
from planning.access.actions import ActionSet, complement, expand_all
from planning.access.wildcards import all_but

if TYPE_CHECKING:
    from planning.access.conditions import Condition

EVERYONE = "everyone"
TOKENS_OF = "tokens of "
_EITHER_WAY = ("Action", "Resource", "Principal")
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Condition", *_EITHER_WAY, *(f"Not{each}" for each in _EITHER_WAY)}
)


class DocumentError(ValueError):
    """A text is no policy document; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; where it has no principal or no resource, that tuple is empty."""

    sid: str
    allows: bool
    actions: ActionSet
    written: tuple[str, ...]
    """The action patterns as they stand, with `all but ` before those of NotAction."""
    resources: tuple[str, ...]
    principals: tuple[str, ...]
    conditions: tuple[Condition, ...]
    """Those of which each alone is enough."""


@lru_cache(maxsize=1024)
def parse(text: str) -> tuple[Statement, ...]:
    """The statements of a policy document.

    Raises:
        DocumentError: the text is none.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DocumentError(f"it is no JSON: {error}") from None
    if not isinstance(document, dict) or "Statement" not in document:
        raise DocumentError("it has no Statement")
    statements = document["Statement"]
    try:
        return tuple(
            _statement(each)
            for each in (statements if isinstance(statements, list) else [statements])
        )
    except ValueError as error:
        raise DocumentError(str(error)) from None


def _statement(element: Any) -> Statement:
    if not isinstance(element, dict):
        raise DocumentError("a statement is no object")
    unknown = sorted(element.keys() - _ELEMENTS)
    if unknown:
        raise DocumentError(f"a statement has unknown elements: {', '.join(unknown)}")
    if element.get("Effect") not in ("Allow", "Deny"):
        raise DocumentError(f"Effect is {element.get('Effect')!r}; Allow and Deny are allowed")
    if "Action" in element:
        written = _texts(element["Action"])
        actions = expand_all(written)
    else:
        patterns = _texts(element.get("NotAction", []))
        written = (all_but(patterns),)
        actions = complement(expand_all(patterns))
    if "NotResource" in element:
        resources: tuple[str, ...] = (all_but(_texts(element["NotResource"])),)
    else:
        resources = _texts(element.get("Resource", []))
    if "NotPrincipal" in element:
        principals: tuple[str, ...] = (all_but(_principals(element["NotPrincipal"])),)
    else:
        principals = _principals(element.get("Principal", []))
    condition = conditions.condition_of(element.get("Condition"))
    return Statement(
        sid=str(element.get("Sid", "")),
        allows=element["Effect"] == "Allow",
        actions=actions,
        written=written,
        resources=resources,
        principals=principals,
        conditions=tuple(conditions.split(condition)),
    )


def _texts(element: Any) -> tuple[str, ...]:
    values = element if isinstance(element, list) else [element]
    if not all(isinstance(value, str) for value in values):
        raise DocumentError(f"a text or a list of texts is expected, not {json.dumps(element)}")
    return tuple(sorted(set(values)))


def _principals(element: Any) -> tuple[str, ...]:
    if element == "*":
        return (EVERYONE,)
    if isinstance(element, dict):
        found = {
            _principal(kind, value) for kind, each in element.items() for value in _texts(each)
        }
        return tuple(sorted(found))
    if element in ([], None):
        return ()
    raise DocumentError(f"a Principal is an object or *, not {json.dumps(element)}")


def _principal(kind: str, value: str) -> str:
    if kind == "AWS":
        if value == "*":
            return EVERYONE
        if value.isdigit():
            return f"account {value}"
        if value.startswith("arn:") and value.endswith(":root"):
            return f"account {value.split(':')[4]}"
        return value
    if kind == "Service":
        return f"service {value}"
    if kind == "Federated":
        return f"{TOKENS_OF}{value}"
    return f"{kind} {value}"
