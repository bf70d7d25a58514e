"""A worker: takes tenants from the queue, drives each in a process, and takes over from the dead.

Invariants, whatever dies: a tenant is driven by at most one process, which holds the tenant's lease
(`tenant_moves.lease`); a process ends with its worker; what a dead worker had goes back into the
queue once its lock is gone.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from dbos import DBOS

from database_moves import durable
from database_moves.context import StoppedError
from database_moves.cutover import guard
from tenant_moves.fleet import driver, liveness, queues, workflows
from tenant_moves.fleet.orders import Ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from database_moves.progress import Step
    from tenant_moves.fleet.driver import Opening
    from tenant_moves.fleet.orders import Order

LOOK_SECONDS = 1.0
"""Between two looks at whether a tenant was cancelled, and at the worker's own lock."""
TAKE_OVER_SECONDS = 3.0
"""Between two looks for what dead workers had."""
CRASHES = 3
"""So often the process of a tenant may end by itself before its move counts as failed."""

_PROCESSES = multiprocessing.get_context("forkserver")


class Observer(Protocol):
    """Who is told what a worker does; called from any thread."""

    def begins(self, order: Order) -> None:
        """A tenant is taken, maybe one that was begun before."""

    def steps(self, order: Order, step: Step) -> None:
        """A tenant's move is so far."""

    def ends(self, order: Order, ended: Ended) -> None:
        """A tenant's move is over."""

    def leaves(self, order: Order) -> None:
        """A tenant is left for another worker, or was taken out of the queue."""

    def takes_over(self, worker: str, tenants: list[str]) -> None:
        """Another worker is gone, and its tenants wait in the queue again."""


@dataclass
class Worker:
    """The worker of this process."""

    url: str
    opening: Opening
    preloaded: Sequence[str]
    """Modules that every tenant's process needs: importing takes longer than a small copy."""
    observer: Observer
    stopping: threading.Event = field(default_factory=threading.Event)
    name: str = field(default_factory=liveness.name)

    def run(self, *, until_empty: bool) -> bool:
        """Take tenants until told to stop or, if so asked, until none is left for anybody.

        False where it was told to stop. Raises `StoreError`, and `LostError` where others take it
        for dead; the tenants in hand are left where they are then.
        """
        _PROCESSES.set_forkserver_preload([driver.__name__, guard.__name__, *self.preloaded])
        workflows.work_for(self)
        with (
            queues.opened(self.url) as self._client,
            liveness.alive(self.url, self.name) as alive,
            durable.launched(self.name, self.url, queues.APPLICATION),
        ):
            try:
                return self._watch(alive, until_empty)
            finally:
                self.stopping.set()
                self._let_go()

    def stopped(self) -> bool:
        """Whether it is to end."""
        return self.stopping.is_set()

    def drive(self, entry: str, order: Order) -> Ended:
        """Move a tenant in a process of its own; raises `StoppedError` where it is left."""
        self._driving.add(entry)
        try:
            self._wait_while_paused(entry)
            ended = None
            for _ in range(CRASHES):
                ended = ended or self._driven(entry, order)
            if ended is None:
                text = f"the process that moved it ended by itself {CRASHES} times"
                ended = Ended(outcome="failed", exit=1, text=text)
            self.observer.ends(order, ended)
            return ended
        except StoppedError:
            self.observer.leaves(order)
            raise
        finally:
            self._driving.discard(entry)

    def __post_init__(self) -> None:
        self._driving: set[str] = set()

    def _watch(self, alive: liveness.Alive, until_empty: bool) -> bool:
        next_look = 0.0
        while not self.stopping.wait(LOOK_SECONDS):
            alive.check()
            if time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + TAKE_OVER_SECONDS
            self._take_over(alive)
            if until_empty and not self._left():
                return True
        return False

    def _take_over(self, alive: liveness.Alive) -> None:
        had: dict[str, list[str]] = {}
        for workflow in self._client.list_workflows(
            status="PENDING", load_input=False, load_output=False
        ):
            worker, name = workflow.executor_id or "", workflow.workflow_id
            if worker != self.name and alive.is_dead(worker):
                had.setdefault(worker, []).append(queues.entry_of(name))
        for worker, entries in had.items():
            DBOS._recover_pending_workflows([worker])
            self.observer.takes_over(worker, sorted({entry.split(".")[1] for entry in entries}))

    def _left(self) -> bool:
        return bool(
            self._client.list_workflows(
                status=["ENQUEUED", "PENDING"], load_input=False, load_output=False, limit=1
            )
        )

    def _let_go(self) -> None:
        """Wait until every tenant in hand has come to where it can be left."""
        while self._driving:
            time.sleep(0.1)

    def _wait_while_paused(self, entry: str) -> None:
        """One that waited for its target when the queue was paused has not begun either."""
        while queues.is_paused(self._client):
            if not self._ours(entry):
                raise StoppedError
            time.sleep(LOOK_SECONDS)

    def _driven(self, entry: str, order: Order) -> Ended | None:
        """One process's work; None where it ended by itself."""
        if self.stopped():
            raise StoppedError
        ours, its = _PROCESSES.Pipe()
        process = _PROCESSES.Process(
            target=driver.drive, args=(its, self.opening, order), name=f"move {order.tenant}"
        )
        process.start()
        its.close()
        self._note(entry, {"step": "begin", "done": 0, "total": None, "detail": ""})
        self.observer.begins(order)
        looked = told = time.monotonic()
        stopped = False
        try:
            while True:
                if ours.poll(0.2):
                    message = ours.recv()
                    if isinstance(message, Ended):
                        return message
                    if message is None:
                        raise StoppedError
                    self.observer.steps(order, message)
                    if time.monotonic() - told >= LOOK_SECONDS:
                        told = time.monotonic()
                        self._note(entry, _told(message))
                if not stopped and time.monotonic() - looked >= LOOK_SECONDS:
                    looked = time.monotonic()
                    stopped = not self._ours(entry)
                    if stopped:
                        ours.send(driver.STOP)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            if stopped:
                raise StoppedError from None
            return None
        finally:
            ours.close()
            process.join()

    def _note(self, entry: str, attributes: dict[str, Any]) -> None:
        """Let the board show how far a tenant is."""
        self._client.update_workflow_attributes(queues.arrival(entry), attributes, merge=True)

    def _ours(self, entry: str) -> bool:
        """Whether this worker is to go on with a tenant: nobody cancelled it or took it over."""
        if self.stopping.is_set():
            return False
        (found,) = self._client.list_workflows(
            workflow_ids=[queues.arrival(entry)], load_input=False, load_output=False
        )
        return found.status == "PENDING" and found.executor_id == self.name


def _told(step: Step) -> dict[str, Any]:
    return {"step": step.name, "done": step.done, "total": step.total, "detail": step.detail}
