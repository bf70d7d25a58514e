"""What a move asks of a pooler: hold clients back, lead them to the other side, let them go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.database import Side

WITHOUT_ANY = (
    "no pooler holds clients back: at the cutover the server ends their sessions, refuses new ones "
    "until the other side serves, and clients must reconnect, to the other side's address"
)
"""What a person must know who moves a database that no pooler stands before."""


class PoolerUnreachableError(MoveError):
    """The pooler did not answer, so that nobody knows whether it did what it was told."""


@dataclass(frozen=True)
class PoolerState:
    """What a pooler does now, as it says itself."""

    paused: bool
    """Whether every client of the database waits."""
    points_at: Side | None
    """The side that clients are led to; None where the entries disagree or lead elsewhere."""


class Pooler(Protocol):
    """A pooler in front of the database that moves.

    Every method may be called again, by another process and after any crash: what is true is read
    from the pooler and its configuration, never remembered. An empty list of poolers is a move
    without any, see `WITHOUT_ANY`.
    """

    @property
    def described(self) -> str:
        """The pooler's address, for people; no credential."""

    def check(self, max_pause: float) -> tuple[str, ...]:
        """What a person should know before a pause of so many seconds; changes nothing.

        Raises `RefusedError`, with a remedy, where the pooler could not be paused or led elsewhere.
        """

    def hold(self) -> None:
        """Open what the pause is to use, in which opening would take its time.

        Every method works without it, also when what was opened is gone; so it raises nothing.
        """

    def let_go(self) -> None:
        """Close what `hold` opened, if anything."""

    def longest_waits(self) -> Iterator[float]:
        """How long the client that waits longest has waited, in seconds, each time it is asked.

        In a session of its own. Raises `PoolerUnreachableError`.
        """

    def pause(self, timeout: float) -> None:
        """Let clients wait, once their transactions are over.

        Raises `AbortedError` when transactions take longer than `timeout` seconds; then nobody
        waits any more. Raises `PoolerUnreachableError`.
        """

    def point_at(self, side: Side) -> None:
        """Lead clients to a side, from their next transaction on; a pause goes on.

        Raises `MoveError` when the pooler does not take it, and `PoolerUnreachableError`.
        """

    def resume(self) -> None:
        """Let clients go on; that none waits is no error. Raises `PoolerUnreachableError`."""

    def state(self) -> PoolerState:
        """What it does now. Raises `PoolerUnreachableError`."""

    def finish(self) -> None:
        """Remove what was kept for a way back."""
