"""What is to be swapped: two databases, the streams between them, and who leads clients to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from database_moves.cutover.ports import SwitchHook
    from database_moves.database import Database
    from database_moves.poolers.pooler import Pooler
    from database_moves.replication.stream import Stream


@dataclass(frozen=True)
class Swap:
    """What is to be swapped, and how."""

    move: str
    forward: Stream
    """From the side that serves to the one that is to."""
    reverse: Stream | None
    """The way back, prepared and disabled; None where none is wanted."""
    poolers: tuple[Pooler, ...]
    switch: SwitchHook | None
    max_pause: float
    """Seconds."""
    carry_seconds: float
    cancel_blockers: bool

    @property
    def serving(self) -> Database:
        """The side that serves when the swap begins."""
        return self.forward.publisher

    @property
    def follower(self) -> Database:
        """The side that is to serve."""
        return self.forward.subscriber
