"""One thing that must be there before Pulumi can run, and how documents of policies compare."""

from __future__ import annotations

import json
from typing import Any, Protocol

Document = dict[str, Any]


class Piece(Protocol):
    """Something in one account; reading it changes nothing, making it again changes nothing."""

    @property
    def title(self) -> str:
        """What it is, with its name."""

    def differences(self) -> list[str]:
        """What is missing or not as it should be, for people; empty if nothing is."""

    def make(self) -> None:
        """Make what is missing and mend what differs; data that is there stays."""


def document(*statements: Document) -> Document:
    """A policy document of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def same(given: str | Document | None, wanted: Document) -> bool:
    """Whether a policy says the same, however AWS wrote it down."""
    if given is None:
        return False
    found = json.loads(given) if isinstance(given, str) else given
    return bool(_plain(found) == _plain(wanted))


def text(wanted: Document) -> str:
    """A document as AWS takes it."""
    return json.dumps(wanted, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """One item and a list of it are the same to IAM, and the order of a list means nothing."""
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() if len(value) == 1:
            return _plain(value[0])
        case list():
            return sorted((_plain(item) for item in value), key=json.dumps)
        case bool():
            return str(value).lower()
        case _:
            return value
