"""Does a step again when a server went away in its middle, or a lock was not free, for a while."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, ParamSpec

import psycopg
from psycopg import errors as postgresql

from database_moves import context as contexts
from database_moves import locks
from database_moves.errors import MoveError, UnansweredError
from database_moves.progress import Step
from database_moves.steps.recording import wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from database_moves.context import Context
    from database_moves.durable import Output

P = ParamSpec("P")

PATIENCE_SECONDS = 120.0
"""How long in all a step waits for servers that do not answer; a failover takes less."""

LONGEST_PAUSE = 5.0

LOCK_PAUSE = 1.0
"""Between two tries for a lock, in which those go on who queue behind."""

# What a server says that stops, starts, fails over or has no session to spare.
_PASSING = (
    UnansweredError,
    psycopg.InterfaceError,
    postgresql.AdminShutdown,
    postgresql.CrashShutdown,
    postgresql.CannotConnectNow,
    postgresql.TooManyConnections,
    postgresql.ConnectionException,
)


def passing(fault: BaseException) -> bool:
    """Whether trying again later may help: a server that is away, and no fault of a statement."""
    if isinstance(fault, _PASSING):
        return True
    # The client's own word that a connection failed or broke has no code of the server's.
    return isinstance(fault, psycopg.OperationalError) and fault.sqlstate is None


def patient(step: Callable[P, Output]) -> Callable[P, Output]:
    """Let a step, whose first argument is the move's name, outlast a server's restart.

    Of who holds a lock that it waits for it is told; raises `locks.HeldByLockError` where that
    takes too long.
    """

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> Output:
        context = contexts.of(str(args[0]))
        with locks.Watch((context.source, context.target), context.tell) as watch:
            return _again(context, watch, lambda: step(*args, **kwargs))

    return run


def _again(context: Context, watch: locks.Watch, step: Callable[[], Output]) -> Output:
    waited = held = 0.0
    pause = 0.5
    while True:
        began = time.monotonic()
        try:
            context.keep_lease()
            return step()
        except postgresql.LockNotAvailable as fault:
            held += time.monotonic() - began
            if held >= locks.PATIENCE_SECONDS:
                raise watch.given_up() from fault
            wait(context, LOCK_PAUSE)
            continue
        except postgresql.DiskFull as fault:
            raise MoveError(
                f"a server has no room: {first_line(fault)}",
                remedy="make room on its disk and run the same command again",
            ) from fault
        except Exception as fault:
            if not passing(fault):
                raise
            said = first_line(fault)
            if waited >= PATIENCE_SECONDS:
                raise _given_up(fault, said) from fault
        context.progress(Step("waiting for a server", 0, None, "", said))
        began = time.monotonic()
        wait(context, pause)
        waited += time.monotonic() - began
        pause = min(pause * 2, LONGEST_PAUSE)


def first_line(fault: BaseException) -> str:
    """What a fault says, in one line; libpq's own text holds no password."""
    return next(iter(str(fault).strip().splitlines()), type(fault).__name__)


def _given_up(fault: Exception, said: str) -> UnansweredError:
    if isinstance(fault, UnansweredError):
        return fault
    return UnansweredError(
        f"a server has not answered for {PATIENCE_SECONDS:.0f} s: {said}",
        remedy="run the same command again when it does",
    )
