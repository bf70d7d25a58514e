"""Durable execution by DBOS: steps that are recorded when they end well, and done again if not."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import time
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec
from urllib.parse import urlsplit

import platformdirs
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID

from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from dbos import WorkflowHandle

P = ParamSpec("P")
Output = dict[str, Any]

URL_VARIABLE = "PATCHWORKS_DATABASE_URL"
"""A PostgreSQL URL of the store, where several machines share it; else a file of SQLite."""

STORED_AS = "1"
"""The version of what steps store; a workflow goes on only under the version that began it."""

POLL_SECONDS = 0.05

_FORM = (
    "give postgresql://user:password@host:port/database, with what is special in a URL written as "
    "%40 is for @, or unset it to record moves in a file"
)

# By the workflow that failed; more than one may run in a process.
_failures: dict[str, BaseException] = {}


_migrated: set[str] = set()
"""Servers' stores that this process has seen to have their tables; a file may be removed."""


class StoreError(MoveError):
    """Moves can't be recorded or looked up; nothing else is known of them here."""


class NotRecordedError(BaseException):
    """Carries an error out of a step and past DBOS, which would keep it as the step's answer.

    No `Exception` on purpose: the workflow stays pending, and its step is done again next time.
    """


def step(name: str) -> Callable[[Callable[P, Output]], Callable[P, Output]]:
    """Make a function a durable step: it returns JSON, and may be called again after a crash."""

    def durable(function: Callable[P, Output]) -> Callable[P, Output]:
        @DBOS.step(name=name)
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> Output:
            try:
                return function(*args, **kwargs)
            except (Exception, KeyboardInterrupt) as error:
                _failures[DBOS.workflow_id or ""] = error
                raise NotRecordedError from error

        return run

    return durable


def workflow(name: str) -> Callable[[Callable[P, Output]], Callable[P, Output]]:
    """Make a function a workflow, which may be taken up any number of times."""
    return DBOS.workflow(name=name, max_recovery_attempts=1_000_000)


def store_url(directory: Path | None = None) -> str:
    """Where moves are recorded: `PATCHWORKS_DATABASE_URL`, or a file that only its owner reads.

    Raises `StoreError` for what is no URL of PostgreSQL.
    """
    shared = os.environ.get(URL_VARIABLE)
    if shared and directory is None:
        if not shared.startswith(("postgresql://", "postgres://")):
            raise StoreError(f"{URL_VARIABLE} is no URL of PostgreSQL", remedy=_FORM)
        return shared
    directory = directory or Path(platformdirs.user_state_dir("patchworks"))
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"moves can't be recorded in {directory}: {error.strerror}",
            remedy="name another directory by --state",
        ) from error
    return f"sqlite:///{directory.resolve() / 'moves.sqlite'}"


@dataclass(frozen=True)
class Application:
    """Whose workflows a process runs: in a shared store, each sees those of its own name alone."""

    name: str
    version: str
    queues: tuple[str, ...] = ()
    """The queues that it takes workflows from."""

    @classmethod
    def of(cls, executor: str) -> Application:
        """An executor's own.

        DBOS puts what is recovered into a queue that any process of the application takes from, and
        another move's process would know nothing of it.
        """
        digest = hashlib.sha256(executor.encode()).hexdigest()[:16]
        return cls(f"patchworks-{digest}", f"{STORED_AS}-{digest}")


@contextlib.contextmanager
def launched(executor: str, url: str, application: Application | None = None) -> Iterator[None]:
    """Run DBOS in this process, taking up only what `executor` (the move's name) left pending.

    Whoever calls this holds the move's lease, so no other process works on the same workflows.
    """
    application = application or Application.of(executor)
    config: DBOSConfig = {
        "name": application.name,
        "system_database_url": url,
        "application_version": application.version,
        "executor_id": executor,
        "serializer": DBOSPortableJSONSerializer(),
        # Its messages tell of its own machinery; what a person needs, the move says itself.
        "log_level": "CRITICAL",
        # Nobody is notified of anything here, and to end takes one such interval.
        "notification_listener_polling_interval_sec": POLL_SECONDS,
    }
    _quiet()
    DBOS(config=config)
    DBOS.listen_queues(application.queues)
    try:
        with answering(url):
            DBOS.launch()
        yield
    finally:
        DBOS.destroy()


def run(
    workflow_id: str,
    function: Callable[[Output], Output],
    argument: Output,
    check: Callable[[], None] = lambda: None,
) -> Output:
    """Run a workflow, or go on with it, or say again what it returned; errors come as they were.

    `check` is called some times a second and may raise, which leaves the workflow pending.
    """
    with SetWorkflowID(workflow_id):
        handle = DBOS.start_workflow(function, argument)
    if handle.get_status().status == "CANCELLED":
        # By a command that then was killed itself, before it did anything.
        DBOS.resume_workflow(workflow_id)
    # To ask the store costs more than a small step's own work: where this very process runs the
    # workflow, its end is told.
    running: Future[Output] | None = getattr(handle, "future", None)
    while running is not None and not futures.wait([running], POLL_SECONDS).done:
        check()
    return wait(workflow_id, check)


def wait(workflow_id: str, check: Callable[[], None] = lambda: None) -> Output:
    """Wait for a workflow that runs in this process; see `run`."""
    handle: WorkflowHandle[Output] = DBOS.retrieve_workflow(workflow_id)
    while True:
        # A recovered workflow runs in a thread of DBOS's own, which tells nobody of such an error.
        if workflow_id in _failures:
            raise _failures.pop(workflow_id)
        if handle.get_status().status not in ("PENDING", "ENQUEUED"):
            return handle.get_result()
        check()
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def reading(url: str, application: Application | None = None) -> Iterator[DBOSClient]:
    """Look at what is stored, of all or of one application, without running anything."""
    _quiet()
    with answering(url):
        if url.startswith("sqlite:") or url not in _migrated:
            DBOS.migrate(url)
            _migrated.add(url)
        client = DBOSClient(
            system_database_url=url,
            serializer=DBOSPortableJSONSerializer(),
            application_name=None if application is None else application.name,
        )
    try:
        yield client
    finally:
        client.destroy()


@contextlib.contextmanager
def answering(url: str) -> Iterator[None]:
    """Say of a store that can't be used which it is and why, without the password in its URL."""
    try:
        yield
    except Exception as error:
        # Only what a server or a driver said is shown: other errors may quote the URL.
        said = getattr(error, "orig", None)
        why = next(iter(str(said).strip().splitlines()), "") if said else type(error).__name__
        if url.startswith("sqlite:"):
            file = url.removeprefix("sqlite:///")
            raise StoreError(f"moves can't be recorded in {file}: {why}") from error
        if url == os.environ.get(URL_VARIABLE):
            raise StoreError(
                f"the store in {URL_VARIABLE} can't be used: {why}", remedy=_FORM
            ) from error
        raise StoreError(
            f"the record of moves in {_address(url)} can't be used: {why}",
            remedy="see that it answers and lets the mover's role in, and run the same command "
            "again",
        ) from error


def _address(url: str) -> str:
    """Host, port and database of a store that nobody named, for people; no credential."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}{parts.path}"


def _quiet() -> None:
    logging.getLogger("dbos").setLevel(logging.CRITICAL)
