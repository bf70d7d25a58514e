"""What the steps of a move work with and no store may keep: credentials, poolers, the terminal."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from database_moves import driven_by
from database_moves.progress import Progress, Step, silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from database_moves.ahead import Ahead
    from database_moves.cutover.ports import SwitchHook
    from database_moves.database import Database, Side
    from database_moves.driven_by import DrivenBy
    from database_moves.options import MoveOptions
    from database_moves.poolers.pooler import Pooler
    from database_moves.schema.archive import Archive


class StoppedError(KeyboardInterrupt):
    """Ctrl-C or SIGTERM: the step under way ends at its next report, and is done again later."""


@dataclass
class Context:
    """One move in this process."""

    move: str
    source: Database
    target: Database
    options: MoveOptions
    directory: Path
    """Where this machine keeps what may be lost, such as the schema's archive."""
    poolers: tuple[Pooler, ...] = ()
    switch: SwitchHook | None = None
    report: Progress = silent
    tell: Callable[[str], None] = lambda _: None
    """Takes what a person should read, such as what the preflight warns of."""
    keep_lease: Callable[[], None] = lambda: None
    """See that this process is still the only mover of both databases; see `lease.Lease`."""
    attempts: bool = True
    """Whether a swap that was begun is tried again; else it is settled as it stands."""
    stopping: threading.Event = field(default_factory=threading.Event)
    ahead: Ahead | None = None
    """What was begun before anything else, where there was time for it."""
    archive: Archive | None = None
    """The schema as this process brought or found it."""
    driven_by: DrivenBy | None = None
    """What people run where that is not `patchworks database`."""

    @property
    def commands(self) -> DrivenBy:
        """What people run to drive this move."""
        return self.driven_by or driven_by.database(self.move)

    def database(self, side: Side) -> Database:
        """The database that was on this side when the move began."""
        return self.source if side == "source" else self.target

    def progress(self, step: Step) -> None:
        """Pass on how far a step is; raises `StoppedError` when it is to stop."""
        self.check()
        self.report(step)

    def check(self) -> None:
        """Raise `StoppedError` when the process is to stop."""
        if self.stopping.is_set():
            raise StoppedError


_contexts: dict[str, Context] = {}


def enter(context: Context) -> None:
    """Make a context known to the steps of its move, which are given the move's name only."""
    _contexts[context.move] = context


def leave(move: str) -> None:
    """Forget a move's context and the credentials in it."""
    _contexts.pop(move, None)


def of(move: str) -> Context:
    """The context of a move in this process; raises `LookupError` where there is none."""
    return _contexts[move]


def other(side: Side) -> Side:
    """The other side."""
    return "target" if side == "source" else "source"
