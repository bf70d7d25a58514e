"""Lets what a killed rehearsal had begun be done again without being done twice.

An operation on a resource is one attempt, whose id is in the stack's journal before it begins. The
n-th call of an attempt has the same token whenever it is made, and the local cloud answers a token
that it has seen as it did the first time. So repeating an attempt from its start goes through the
calls that had been made, and makes those that had not.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN_HEADER = "X-Patchworks-Token"  # noqa: S105 - the header's name


@dataclass
class Attempt:
    """One operation under way; counts what is drawn from it."""

    id: str
    drawn: int = 0

    def draw(self, purpose: str) -> str:
        """32 hexadecimal digits: random between attempts, the same when one is repeated."""
        self.drawn += 1
        return hashlib.sha256(f"{self.id} {self.drawn} {purpose}".encode()).hexdigest()[:32]


_current: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def new_attempt() -> str:
    """The id of an attempt that has not been made before."""
    return secrets.token_hex(8)


@contextmanager
def attempting(id: str) -> Iterator[None]:
    """Within it calls carry tokens, and digits that are made up are those of the attempt."""
    token = _current.set(Attempt(id))
    try:
        yield
    finally:
        _current.reset(token)


def call_token(operation: str) -> str | None:
    """What marks the next call of the attempt under way; None where there is no attempt."""
    attempt = _current.get()
    return None if attempt is None else f"{operation}-{attempt.draw(operation)}"


def digits(count: int) -> str:
    """Hexadecimal digits for a made-up name, 32 at most."""
    attempt = _current.get()
    return (secrets.token_hex(16) if attempt is None else attempt.draw("name"))[:count]
