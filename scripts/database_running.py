"""Runs a command of a move: its context, its way to stop, its exit code and its last word."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from scripts.catalog_options import print_json
from scripts.database_progress import progress_on
from scripts.exits import ExitCode

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from database_moves.admission import Verb
    from database_moves.context import Context
    from database_moves.preflight import Report
    from database_moves.progress import Progress
    from database_moves.state import MoveState


@dataclass(frozen=True)
class Asked:
    """What the command line says of a move."""

    name: str
    source: str | None
    target: str | None
    chosen: dict[str, Any]
    pooler: list[str] | None
    pooler_config: list[Path] | None
    switch_command: str | None
    state: Path | None


def run(asked: Asked, verb: Verb, as_json: bool, **options: Any) -> None:
    """Run a command of `database_moves.commands` to its end, and say what became of the move."""
    from database_moves import ahead
    from scripts.database_showing import print_state

    with progress_on(sys.stderr) as report:
        context = context_of(asked, report)
        with contextlib.ExitStack() as stack:
            stack.enter_context(stopping(context.stopping))
            if verb == "move":
                stack.enter_context(ahead.begun(context))
            # Loaded while the servers answer: it takes longer than all the rest. Nothing of it is
            # garbage, and to look for some would take a tenth of the time.
            gc.disable()
            from database_moves import commands, durable

            gc.enable()
            url = durable.store_url(asked.state)
            command: Callable[..., MoveState] = getattr(commands, verb)
            ended = _outcome(lambda: command(context, url, **options))
    if isinstance(ended, Exception):
        _explain(asked, url, ended, as_json)
    print_state(ended, as_json)


def _outcome(command: Callable[[], MoveState]) -> MoveState | Exception:
    """What a command returns, or the error by which it says why not."""
    import psycopg

    from database_moves.errors import MoveError

    try:
        return command()
    except (MoveError, psycopg.Error) as error:
        return error


def _explain(asked: Asked, url: str, error: Exception, as_json: bool) -> NoReturn:
    import psycopg

    from database_moves.errors import AbortedError, MoveError, RefusedError
    from database_moves.preflight import PreflightRefusedError

    if isinstance(error, PreflightRefusedError):
        leave_with_report(error.report, as_json)
    if isinstance(error, AbortedError):
        _leave(asked, url, f"aborted: {error}", ExitCode.ABORTED, as_json)
    if isinstance(error, RefusedError):
        _leave(asked, url, f"refused: {error}", ExitCode.REFUSED, as_json)
    if isinstance(error, MoveError):
        _leave(asked, url, f"failed: {error}", ExitCode.FAULTS, as_json)
    said = next(iter(str(error).strip().splitlines()), "no answer")
    # An answer has a code; that of a lock that was not free, for one.
    code = error.sqlstate if isinstance(error, psycopg.Error) else None
    what = "a server does not answer" if code is None else "a server says"
    text = f"failed: {what}: {said}; run the same command again when that is over"
    _leave(asked, url, text, ExitCode.FAULTS, as_json)


def context_of(asked: Asked, report: Progress) -> Context:
    """The context that the command line asks for."""
    from pathlib import Path

    import platformdirs
    from pydantic import ValidationError

    from database_moves import names
    from database_moves.context import Context
    from database_moves.options import MoveOptions
    from scripts.database_options import database, pooler_list, switch_hook

    try:
        names.check(asked.name)
        options = MoveOptions(**{k: v for k, v in asked.chosen.items() if v is not None})
    except ValidationError as error:
        faults = (f"--{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        raise typer.BadParameter("; ".join(faults).replace("_", "-")) from None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    source, target = database(asked.source, "source"), database(asked.target, "target")
    directory = (asked.state or Path(platformdirs.user_state_dir("patchworks"))) / asked.name
    return Context(
        move=asked.name,
        source=source,
        target=target,
        options=options,
        directory=directory,
        poolers=pooler_list(asked.pooler, asked.pooler_config, source, target),
        switch=switch_hook(asked.switch_command, asked.name),
        report=report,
        tell=lambda text: typer.echo(f"patchworks: {text}", err=True),
    )


@contextlib.contextmanager
def stopping(
    event: threading.Event, then: str = "what is recorded stays, and the same command goes on"
) -> Iterator[None]:
    """End at the next safe place on Ctrl-C or SIGTERM, and at once on the second."""

    def stop(_number: int, _frame: object) -> None:
        if event.is_set():
            # As safe as kill -9, which every step survives.
            os._exit(ExitCode.INTERRUPTED)
        event.set()
        text = f"patchworks: stopping; {then}\n"
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), text.encode())

    former = {sign: signal.signal(sign, stop) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sign, handler in former.items():
            signal.signal(sign, handler)


def leave_with_report(report: Report, as_json: bool) -> NoReturn:
    """Print what the preflight found, and end with the exit code that it means."""
    from database_moves.preflight.rendering import render

    if as_json:
        print_json(report.to_json())
    else:
        render(report)
    raise typer.Exit(ExitCode.REFUSED if report.refused else ExitCode.DONE)


def _leave(asked: Asked, url: str, text: str, code: ExitCode, as_json: bool) -> NoReturn:
    typer.echo(f"patchworks: {text}", err=True)
    if as_json:
        from database_moves import durable, store
        from database_moves.state import stored

        with durable.reading(url) as client:
            state = store.load(client, asked.name)
        print_json({"exit": int(code), "error": text, "state": state and stored(state)})
    raise typer.Exit(code)
