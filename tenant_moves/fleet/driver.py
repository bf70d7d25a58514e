"""Moves one tenant of the queue, in a process of its own that ends with its worker.

Processes share no state of DBOS, and one that crashes takes no other tenant along. It is told to
stop through a pipe; when the pipe ends, the worker is gone, and so is this process at once, as safe
as kill -9, which every step survives.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import psycopg

from database_moves import nursery
from database_moves.commands import PreflightRefusedError
from database_moves.context import StoppedError
from database_moves.errors import AbortedError, MoveError, RefusedError
from tenant_moves import cloud_faults, commands
from tenant_moves.fleet.orders import Ended, Order
from tenant_moves.lease import HeldError
from tenant_moves.slices import key
from tenant_moves.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from database_moves.progress import Step
    from tenant_moves.platform import Platform

    Opening = Callable[[], Platform]
    """Opens the platform anew in each process, with the catalog as it is then."""

STOP = "stop"
STEP_SECONDS = 0.5
"""Between two reports of one step."""
AGREE_SECONDS = 60.0
"""How long what was moved may take until everything agrees."""


def drive(pipe: Connection, opening: Opening, order: Order) -> None:
    """Move a tenant and tell the worker; the process's main function."""
    # Ctrl-C goes to all processes of a terminal, and this one is told by its worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nursery.begin()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    threading.Thread(target=_obey, args=(pipe, stopping), daemon=True).start()
    told = _Telling(pipe)
    try:
        pipe.send(_ended(opening, order, told, stopping))
    except StoppedError:
        pipe.send(None)
    # What the move left running, such as a database's own sessions, ends with the process.
    os._exit(0)


def _obey(pipe: Connection, stopping: threading.Event) -> None:
    try:
        while pipe.recv() == STOP:
            stopping.set()
    except (EOFError, OSError):
        os._exit(1)


class _Telling:
    """Passes on how far the move is, not more often than a person can read."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._name = ""
        self._at = 0.0
        self._one = threading.Lock()

    def __call__(self, step: Step) -> None:
        """Take one report."""
        with self._one:
            now = time.monotonic()
            if step.name == self._name and now - self._at < STEP_SECONDS:
                return
            self._name, self._at = step.name, now
            self._pipe.send(step)


def _ended(opening: Opening, order: Order, report: _Telling, stopping: threading.Event) -> Ended:
    try:
        with cloud_faults.explained():
            platform = opening()
            asked = commands.Asked(platform, order.tenant, order.options, report, stopping)
            _see_that_it_is_declared(platform, order)
            result = _patiently(asked, commands.move)
            disagreements = _disagreements(platform, order.tenant, stopping)
            if order.finish and not disagreements and result.plan is not None:
                _finish(asked)
                disagreements = _disagreements(platform, order.tenant, stopping)
    except PreflightRefusedError as refused:
        said = [v.message for v in refused.report.verdicts if v.level == "refused"]
        return Ended(outcome="refused", exit=3, text=f"the preflight refuses: {'; '.join(said)}")
    except AbortedError as aborted:
        text = (
            f"{aborted.message}; the other side still follows: `patchworks moves enqueue "
            f"{order.tenant}` tries again, `patchworks tenant rollback {order.tenant}` gives it up"
        )
        return Ended(outcome="aborted", exit=4, text=text, serving=order.source)
    except RefusedError as refusal:
        return Ended(outcome="refused", exit=3, text=str(refusal))
    except MoveError as failure:
        return Ended(outcome="failed", exit=1, text=str(failure))
    except psycopg.OperationalError as fault:
        said_first = next(iter(str(fault).strip().splitlines()), "no answer")
        return Ended(outcome="failed", exit=1, text=f"a server does not answer: {said_first}")
    except Exception as error:
        first = next(iter(str(error).splitlines()), "")
        return Ended(outcome="failed", exit=1, text=f"{type(error).__name__}: {first}")
    swaps = result.state.swaps if result.state is not None else ()
    moved: dict[str, object] = {
        "serving": result.serving,
        "move": result.plan and result.plan.move,
        "pause_seconds": swaps[-1].pause_seconds if swaps else None,
        "disagreements": disagreements,
    }
    if disagreements:
        text = f"moved, but not everything agrees: {'; '.join(disagreements)}"
        return Ended.model_validate({"outcome": "failed", "exit": 1, "text": text} | moved)
    return Ended.model_validate({"outcome": "moved", "exit": 0, "text": result.what} | moved)


def _see_that_it_is_declared(platform: Platform, order: Order) -> None:
    """Of several machines one may have an older checkout."""
    tenant = platform.catalog.tenants.get(order.tenant)
    declared = None if tenant is None else key(tenant.placement)
    if declared != order.target:
        found = f"declares {declared}" if declared else "has no such tenant"
        raise RefusedError(
            f"the queue takes {order.tenant} to {order.target}, and this worker's catalog {found}",
            remedy="update the worker's checkout, and enqueue the tenant again",
        )


def _patiently(
    asked: commands.Asked, command: Callable[[commands.Asked], commands.Result]
) -> commands.Result:
    """Wait while somebody else moves the tenant, and then go on from there."""
    while True:
        try:
            return command(asked)
        except HeldError:
            # The lease itself waits for some seconds.
            if asked.stopping.is_set():
                raise StoppedError from None


def _finish(asked: commands.Asked) -> None:
    try:
        _patiently(asked, lambda asked: commands.finish(asked, drop=True))
    except RefusedError:
        # The process of a worker that others took for dead may have done it meanwhile.
        if commands.compare(asked) is not None:
            raise


def _disagreements(platform: Platform, tenant: str, stopping: threading.Event) -> tuple[str, ...]:
    deadline = time.monotonic() + AGREE_SECONDS
    while True:
        found = [f"{f.part} {f.text}" for f in verify(platform, tenant) if not f.agrees]
        if not found or time.monotonic() > deadline or stopping.wait(0.5):
            return tuple(found)
