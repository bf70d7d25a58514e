"""Asks the person at the terminal whether to go on; anything but yes changes nothing."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from scripts.exits import ExitCode

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts and CI.")]

_YES, _NO = ("y", "yes"), ("n", "no", "")


def ask(question: str) -> None:
    """Return where the answer is yes; else the command ends here.

    No, or the end of the input, is a refusal, and Ctrl-C an interruption. Where nobody can be asked
    it is wrong usage.
    """
    if not sys.stdin.isatty():
        typer.echo(f"patchworks: {question} Nobody can be asked here: add --yes", err=True)
        raise typer.Exit(ExitCode.USAGE)
    while True:
        try:
            typer.echo(f"{question} [y/N]: ", nl=False, err=True)
            # Of bytes: what was typed may be no text.
            typed = sys.stdin.buffer.readline()
        except KeyboardInterrupt:
            typer.echo("\npatchworks: nothing was changed", err=True)
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        if not typed:
            typer.echo(err=True)
        answer = typed.decode(errors="replace").strip().lower()
        if answer in _YES:
            return
        if answer in _NO:
            typer.echo("patchworks: refused: not confirmed, and nothing was changed", err=True)
            raise typer.Exit(ExitCode.REFUSED)
        typer.echo("answer y or n", err=True)
