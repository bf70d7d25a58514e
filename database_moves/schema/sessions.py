"""Works on one database with several sessions at once, the largest tasks first."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from database_moves.schema import restoring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from database_moves.database import Database

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Task:
    """Something to do in one session; what it returns is to be done before all else.

    `size` orders tasks, the largest first, and `counts` is what it adds to the progress.
    """

    size: float
    counts: int
    name: str
    run: Callable[[psycopg.Connection[Any]], Iterable[Task]]


class _Crew:
    def __init__(self, tasks: Iterable[Task]) -> None:
        ordered = sorted(tasks, key=lambda task: -task.size)
        self.lock = threading.Condition()
        self.waiting: list[Task] = ordered
        self.running: dict[int, Task] = {}
        self.connections: dict[int, psycopg.Connection[Any]] = {}
        self.done = 0
        self.error: BaseException | None = None
        self.stopped = False

    def next(self, number: int) -> Task | None:
        with self.lock:
            while not self.stopped:
                if self.waiting:
                    task = self.running[number] = self.waiting.pop(0)
                    return task
                if not self.running:
                    break
                # One of those that run may bring more.
                self.lock.wait()
            self.lock.notify_all()
            return None

    def finished(self, number: int, task: Task, more: Iterable[Task]) -> None:
        with self.lock:
            del self.running[number]
            self.waiting[:0] = more
            self.done += task.counts
            self.lock.notify_all()

    def stop(self, error: BaseException | None) -> None:
        with self.lock:
            self.error = self.error or error
            self.stopped = True
            connections = list(self.connections.values())
            self.lock.notify_all()
        for connection in connections:
            if not connection.closed:
                # The statement ends by this; where the server is gone, its session ends by itself.
                _cancel(connection)


def _cancel(connection: psycopg.Connection[Any]) -> None:
    try:
        connection.cancel_safe(timeout=5)
    except psycopg.Error:
        connection.pgconn.finish()


def work(
    database: Database,
    tasks: Iterable[Task],
    jobs: int,
    settings: Mapping[str, str],
    progress: Callable[[int, str], None],
) -> None:
    """Do all tasks in at most `jobs` sessions; the first error ends the others and is raised.

    `progress` is called by this thread with what is done and what is being done; what it raises
    ends the work too.
    """
    given = list(tasks)
    if not given:
        return
    crew = _Crew(given)
    threads = [
        threading.Thread(
            target=_work, args=(crew, number, database, settings), name=f"schema-{number}"
        )
        for number in range(jobs)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in itertools.cycle(threads):
            thread.join(_POLL_SECONDS / len(threads))
            with crew.lock:
                detail = ", ".join(task.name for task in crew.running.values())
            progress(crew.done, detail)
            if not any(thread.is_alive() for thread in threads):
                break
    except BaseException as error:
        crew.stop(error)
        raise
    finally:
        for thread in threads:
            thread.join()
    if crew.error is not None:
        raise crew.error


def _work(crew: _Crew, number: int, database: Database, settings: Mapping[str, str]) -> None:
    try:
        with database.session(
            restoring.PURPOSE, settings={**restoring.SETTINGS, **settings}
        ) as connection:
            crew.connections[number] = connection
            while (task := crew.next(number)) is not None:
                crew.finished(number, task, task.run(connection))
    except BaseException as error:  # raised again by the thread that asked for the work
        with crew.lock:
            crew.running.pop(number, None)
        crew.stop(error)
