"""The page of every command, from the command line's own help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scripts.exits import ExitCode
from scripts.main import COMMANDS, load_command
from scripts.reference.markdown import code, page, table

if TYPE_CHECKING:
    from collections.abc import Iterator

INTRODUCTION = (
    "Every command of `patchworks`, as `--help` has it. It lies in `.venv/bin`. A terminal gets "
    "tables and progress, a pipe plain lines, and `--json` what a script reads."
)
CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAULTS: "faults were found, or something failed",
    ExitCode.USAGE: "wrong usage",
    ExitCode.REFUSED: "refused before anything changed",
    ExitCode.ABORTED: "aborted; everything serves as before",
    ExitCode.INTERRUPTED: "interrupted",
}


def commands_page() -> str:
    """The page's text."""
    sections = [
        section(path, command)
        for name in COMMANDS
        for path, command in below(load_command(name), f"patchworks {name}")
    ]
    codes = table(
        ("Exit code", "Meaning"), ((str(int(number)), CODES[number]) for number in ExitCode)
    )
    return page("Commands", INTRODUCTION, [*sections, "## Exit codes", codes])


def below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A command and all below it, with the words that lead there."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from below(inner, f"{path} {name}")


def section(path: str, command: Any) -> str:
    """One command: what it does, what it takes."""
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    subcommands = getattr(command, "commands", {})
    usage = " ".join(
        [
            path,
            *(["COMMAND"] if subcommands else []),
            *(["[OPTIONS]"] if options else []),
            *(written(argument) for argument in arguments),
        ]
    )
    rows = [
        *((code(written(argument)), argument.help or "") for argument in arguments),
        *((code(", ".join([*o.opts, *o.secondary_opts])), o.help or "") for o in options),
        *((code(name), inner.get_short_help_str(200)) for name, inner in subcommands.items()),
    ]
    parts = [f"## {path}", "    " + usage, command.help, table(("Name", "Meaning"), rows)]
    return "\n\n".join(part.rstrip() for part in parts if part)


def written(argument: Any) -> str:
    """An argument as a usage line has it."""
    name = str(argument.name).upper() + ("..." if argument.nargs < 0 else "")
    return name if argument.required else f"[{name}]"
