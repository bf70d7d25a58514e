"""Runs one stack program in-process, from its first registration to its last."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import traceback
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config, mocks, settings
from pulumi.runtime.stack import run_in_stack

from rehearsal.callbacks import InProcessCallbacks
from rehearsal.errors import ProgramError, ProgramRaisedError, UndeclaredConfigError
from rehearsal.interrupts import Interrupted
from rehearsal.quick_sdk import accelerated
from rehearsal.quick_sdk.loop import EagerLoop
from rehearsal.source_position import innermost, is_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rehearsal.monitor import Monitor

ORGANIZATION = "organization"
"""What a self-managed backend calls its only organization."""


def run(
    program: Callable[[], Mapping[str, Any] | None],
    monitor: Monitor,
    *,
    preview: bool,
    quick: bool = True,
) -> tuple[str, ...]:
    """Run a program against a monitor and return the warnings it caused.

    With `quick` false the SDK's runtime is left as it is.

    Raises:
        ProgramError: the program raised, registered one URN twice, read configuration that is not
            declared, or looked something up. It names the stack and the line.
    """
    # Outputs in text are a complaint in the real engine and a wrong value in the cloud.
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"
    log = _Log()
    context = contextvars.copy_context()
    try:
        with accelerated() if quick else nullcontext():
            context.run(_run, program, monitor, log, preview)
    except ProgramError:
        raise
    except Exception as error:
        for kind in (Interrupted, ProgramError):
            found = _cause(error, kind)
            if found is not None:
                raise found from error
        raise _raised(monitor.stack, error) from error
    return tuple(log.warnings)


def _run(
    program: Callable[[], Mapping[str, Any] | None], monitor: Monitor, log: _Log, preview: bool
) -> None:
    loop = EagerLoop()
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(_run_in_stack(program, monitor, log, preview))
    except BaseException:
        # One fault fails everything that waits for it; only the first is worth telling.
        loop.set_exception_handler(lambda _loop, _context: None)
        _cancel_all(loop)
        raise
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    while tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


async def _run_in_stack(
    program: Callable[[], Mapping[str, Any] | None], monitor: Monitor, log: _Log, preview: bool
) -> None:
    callbacks = InProcessCallbacks()
    monitor.callbacks = callbacks
    settings.configure(
        mocks.MockSettings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=log,
            project=monitor.project,
            stack=monitor.stack,
            dry_run=preview,
            organization=ORGANIZATION,
            callbacks=callbacks,
            outputs=set(),
            lock=threading.Lock(),
        )
    )
    config.CONFIG.set(_DeclaredConfig(monitor.stack))
    settings.ROOT.set(None)

    def main() -> None:
        for name, value in (program() or {}).items():
            pulumi.export(name, value)

    await run_in_stack(main)


class _Log:
    """The engine's log: keeps the warnings, which a clean preview has none of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def Log(self, request: Any) -> None:  # noqa: N802 - the protocol's name
        """Keep a message that a person would be shown."""
        if request.severity >= 2:  # engine.LogSeverity.WARNING
            self.warnings.append(request.message)


class _DeclaredConfig(dict[str, Any]):
    """The stack's configuration, which is empty: a program takes everything from the catalog."""

    def __init__(self, stack: str) -> None:
        super().__init__()
        self._stack = stack

    def __contains__(self, key: object) -> bool:
        source = innermost(traceback.extract_stack())
        if source is None:
            return False
        raise UndeclaredConfigError(
            self._stack,
            source,
            f"it reads the configuration value {key!r}, which Pulumi.yaml does not declare",
            "put what varies into the catalog",
        )


def _raised(stack: str, error: BaseException) -> ProgramRaisedError:
    """The fault in the program's own words, which the SDK may have wrapped in its own."""
    chain = list(_chain(error))
    frames = {id(link): traceback.extract_tb(link.__traceback__) for link in chain}
    own = [link for link in chain if (f := frames[id(link)]) and is_program(f[-1].filename)]
    passing = [link for link in chain if innermost(frames[id(link)]) is not None]
    told = (own or passing or [error])[0]
    return ProgramRaisedError(stack, innermost(frames[id(told)]), f"{type(told).__name__}: {told}")


def _cause(error: BaseException, kind: type[BaseException]) -> BaseException | None:
    return next((link for link in _chain(error) if isinstance(link, kind)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
