"""How a move ends when it does not end well: each error says what serves and what to do."""

from __future__ import annotations


class MoveError(Exception):
    """Something failed; running the same command again goes on from there.

    `remedy` says what to do first, or is None where another try may be enough.
    """

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message if remedy is None else f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy


class RefusedError(MoveError):
    """Nothing was changed, because what was asked for would not be safe."""


class AbortedError(MoveError):
    """What was begun has been undone; the side that served before serves as before."""


class SnapshotLostError(MoveError):
    """The exported snapshot is gone with the session that held it: the copy starts over."""


class UnansweredError(MoveError):
    """A server did not answer, so that something is left to do; another try may be enough."""


class StreamLostError(MoveError):
    """Changes are gone that were never sent: the copy starts over."""
