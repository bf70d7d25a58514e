"""`patchworks plan`: what a change will do, without a credential."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scripts.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from planning.commits import Repository
    from planning.document import Plan

Format = Literal["text", "markdown", "json", "sarif", "html"]
WORK_TREE = "work tree"
DEFAULT_BASES = ("origin/main", "main")

app = typer.Typer(
    add_completion=False,
    help="Say what a change does, at two commits, without a credential.\n\n"
    "Both commits are evaluated from git, confined, and the work tree stays as it is. The exit "
    "code is 1 where a commit can't be evaluated, an apply would fail, or a check finds something "
    "new.",
)


@app.command()
def plan(
    base: Annotated[
        str | None,
        typer.Option(
            help="What the change is to be merged into; by default origin/main, or main. It is "
            "compared at the commit from which the head parted.",
            metavar="REF",
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="The change; by default the work tree, as it is.", metavar="REF"),
    ] = None,
    format: Annotated[
        Format | None, typer.Option(help="What standard output gets; by default text.")
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A file to write; its suffix says in which format. May be given several times.",
        ),
    ] = None,
    repository: Annotated[
        Path | None,
        typer.Option(metavar="DIRECTORY", help="The clone; by default the one that is worked in."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one a core.")
    ] = None,
    checkov: Annotated[
        bool,
        typer.Option(
            "--checkov", help="Ask checkov too, of what changes; the first time it is installed."
        ),
    ] = False,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Use what earlier plans found out.")
    ] = True,
) -> None:
    """Compare two commits and say what an apply of the change does."""
    from planning.cache import Cache
    from planning.commits import CommitError, Repository
    from planning.outputs import renderer
    from planning.outputs.text import render_faults
    from planning.run import Request
    from planning.run import plan as make

    files = _files(output or [], format)
    # A job that is cancelled leaves as little behind as a person's Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = {} if jobs is None else {"jobs": jobs}
    try:
        found = Repository.around(repository or Path.cwd())
        chosen = base or _default_base(found)
        request = Request(
            base=_parted(found, chosen, head),
            head=None if head in (None, WORK_TREE) else head,
            cache=Cache.of_user() if cache else Cache(None),
            checkov=checkov,
            progress=_progress(),
            **settings,
        )
        made = make(found, request)
    except CommitError as error:
        raise typer.BadParameter(str(error)) from None
    finally:
        _clear()
    for file, its_format in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(renderer(its_format)(made), encoding="utf-8")
    if format is not None or not files:
        _show(renderer(format or "text")(made), coloured=format in (None, "text"))
    else:
        typer.echo(render_faults(made), nl=False, err=True)
        typer.echo(_closing(made))
    if made.all_faults:
        raise typer.Exit(ExitCode.FAULTS)


def _show(text: str, *, coloured: bool) -> None:
    if not (coloured and sys.stdout.isatty()):
        typer.echo(text, nl=False)
        return
    from rich.console import Console

    from planning.outputs.colour import styled

    Console(highlight=False).print(styled(text), end="", soft_wrap=True)


def _files(output: list[Path], format: Format | None) -> list[tuple[Path, str]]:
    """Each file with its format."""
    from planning.outputs import SUFFIXES

    found = []
    for file in output:
        known = SUFFIXES.get(file.suffix.lower())
        if known is None and format is None:
            raise typer.BadParameter(
                f"{file} does not say its format: name it with one of {', '.join(SUFFIXES)}, "
                "or give --format",
                param_hint="--output",
            )
        if file.is_dir():
            raise typer.BadParameter(f"{file} is a directory", param_hint="--output")
        found.append((file, known or str(format)))
    return found


def _default_base(repository: Repository) -> str:
    from planning.commits import CommitError

    for ref in DEFAULT_BASES:
        try:
            repository.resolve(ref)
        except CommitError:
            continue
        return ref
    raise CommitError(
        f"there is neither {' nor '.join(DEFAULT_BASES)} here; say with --base what the change is "
        "to be merged into"
    )


def _parted(repository: Repository, base: str, head: str | None) -> str:
    """The base itself where the head has all of it, else the commit at which they parted.

    What was merged into the base since is no part of the change, and would show turned around.
    """
    tip = repository.resolve(base)
    other = repository.resolve("HEAD" if head in (None, WORK_TREE) else str(head))
    parted = repository.merge_base(tip, other)
    return base if parted in (None, tip) else str(parted)


def _progress() -> Callable[[str, int, int], None]:
    """Shows on a terminal what is under way, and nothing elsewhere."""

    def show(what: str, done: int, all: int) -> None:
        if sys.stderr.isatty():
            count = f" {done} of {all}" if all else ""
            sys.stderr.write(f"\r\x1b[K{what}{count}")
            sys.stderr.flush()

    return show


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def _closing(plan: Plan) -> str:
    from planning.outputs.wording import count, summary

    faults = len(plan.all_faults)
    return f"{summary(plan)}" + (f"; {count(faults, 'fault')}" if faults else "")
