"""The `patchworks` command: finds a subcommand's module when it is asked for, and not before."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from rehearsal.garbage import search_seldom
from scripts.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence


class Registered(NamedTuple):
    """A subcommand, and where its Typer app `app` is found."""

    module: str
    help: str
    """The line that `patchworks --help` shows, so that showing it imports nothing."""


COMMANDS: dict[str, Registered] = {
    "check": Registered("scripts.check", "Report every fault of the catalog, with file and line."),
    "export": Registered("scripts.export", "Write stacks in the forms that other tools read."),
    "plan": Registered("scripts.plan", "Say what a change does, without a credential."),
    "rehearse": Registered("scripts.rehearse", "Evaluate stacks and apply them on this machine."),
    "local": Registered("scripts.local", "Start, stop or describe the cloud on this machine."),
    "tenant": Registered("scripts.tenant", "List, show and create tenants."),
    "cell": Registered("scripts.cell", "List, show and evacuate cells."),
    "moves": Registered("scripts.moves", "Move many tenants by a queue that workers share."),
    "worker": Registered("scripts.worker", "Move the tenants that are in the queue."),
    "database": Registered("scripts.database", "Move a live PostgreSQL database elsewhere."),
    "deliver": Registered("scripts.deliver", "Take a merged commit to production, past its gates."),
    "release": Registered("scripts.release", "Hold a commit to the release checklist."),
    "smoke": Registered("scripts.smoke", "Look whether a wave's cells and tenants serve."),
    "drift": Registered("scripts.drift", "Say which stacks differ from what was brought up."),
    "restore-test": Registered("scripts.restore_test", "See that backups can be restored."),
    "access": Registered("scripts.access", "Explain and prove who may do what."),
    "bootstrap": Registered("scripts.bootstrap", "Make what must be there before Pulumi can run."),
    "demo": Registered("scripts.demo", "See the whole platform come up on this machine."),
}


class LazyGroup(TyperGroup):
    """A group that imports a subcommand only to run it or to show its own help."""

    listing = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {
            name: TyperCommand(name, help=registered.help) for name, registered in COMMANDS.items()
        }

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The subcommand, or while help is written a stand-in with its help line."""
        stand_in = super().get_command(ctx, cmd_name)
        return stand_in if stand_in is None or self.listing else load_command(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help from the registry alone."""
        self.listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self.listing = False


def load_command(name: str) -> Any:
    """Import a subcommand's module and make its command."""
    application: typer.Typer = importlib.import_module(COMMANDS[name].module).app
    # One plain look for all: boxes do not survive logs and narrow pipes.
    application.rich_markup_mode = None
    application.info.help = application.info.help or COMMANDS[name].help
    command = typer.main.get_command(application)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyGroup,
    name="patchworks",
    help="A multi-tenant platform as code: check, plan and rehearse it, and move its tenants.",
    epilog="Exit codes: 0 done, 1 faults found or failed, 2 wrong usage, 3 refused before anything "
    "changed, 4 aborted and everything serves as before, 130 interrupted.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"patchworks {version('patchworks-platform')}")
        raise typer.Exit


@app.callback()
def patchworks(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """A multi-tenant platform as code: check, plan and rehearse it, and move its tenants."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run `patchworks`; always ends in SystemExit with one of the exit codes."""
    # What the SDKs make while they are imported is no garbage, and looking for some takes long.
    search_seldom()
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is shown escaped rather than failing the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        command = typer.main.get_command(app)
        command.main(args=arguments, prog_name="patchworks")
    except SystemExit as leaving:
        if leaving.code == ExitCode.INTERRUPTED:
            _say("interrupted")
        _leave(leaving.code)
    except KeyboardInterrupt:
        _say("interrupted")
        _leave(ExitCode.INTERRUPTED)
    except Exception as error:
        if os.environ.get("PATCHWORKS_DEBUG"):
            raise
        _leave(explain(error))
    _leave(ExitCode.DONE)


def explain(error: Exception) -> ExitCode:
    """Say on standard error what went wrong; the exit code that it means."""
    # Looked up among what is imported already: only a command that uses the catalog can raise it.
    load = sys.modules.get("catalog.load")
    if load is not None and isinstance(error, load.CatalogNotFoundError):
        _say(str(error))
        return ExitCode.USAGE
    faults = getattr(error, "faults", None)
    if load is not None and isinstance(error, load.CatalogFaults) and faults:
        for fault in faults:
            typer.echo(str(fault), err=True)
        count = f"{len(faults)} faults" if len(faults) != 1 else "1 fault"
        _say(f"the catalog has {count}")
        return ExitCode.FAULTS
    process = sys.modules.get("rehearsal.servers.process")
    if process is not None and isinstance(error, process.ServerFailed):
        # Its further lines are the end of the server's log, which says why.
        _say(str(error))
        return ExitCode.FAULTS
    moves = sys.modules.get("database_moves.errors")
    if moves is not None and isinstance(error, moves.MoveError):
        _say(f"failed: {error}")
        return ExitCode.FAULTS
    first_line = (str(error).splitlines() or [""])[0]
    _say(f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__)
    _say("set PATCHWORKS_DEBUG=1 for the whole traceback")
    return ExitCode.FAULTS


def _say(text: str) -> None:
    typer.echo(f"patchworks: {text}", err=True)


def _leave(code: Any) -> NoReturn:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; what is left unwritten must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # Python looks for garbage once more when it ends; in the providers' SDKs that takes seconds.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
