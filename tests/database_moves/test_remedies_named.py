"""What a move tells people to run is there to be run, by whichever command the move is driven."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from typer.core import TyperGroup
from typer.main import get_command

import database_moves
from scripts import database, tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

ROOT = Path(database_moves.__file__).parent

OF_A_DATABASE_ALONE = {
    "driven_by.py",  # Where the usual commands are named.
    "state.py",
    "names.py",
    "commands.py",
    "admission.py",
}
"""Files that name `patchworks database` only for a move that nothing else drives."""
OF_A_DATABASE_ALONE_TOO = {
    *("--pooler", "--pooler-config", "--switch-command", "--source", "--without"),
    *("--rate-limit", "--no-rollback", "--watch"),
}
"""Options that are named only to who has given them, or whose platform does not know."""


VERBS = ("move", "cutover", "rollback", "finish", "abort", "status")


def texts(directory: Path) -> Iterator[tuple[str, str]]:
    """Every piece of text in a package's code but the docstrings, with its file."""
    for path in sorted(directory.rglob("*.py")):
        tree = ast.parse(path.read_text())
        said = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if is_text and id(node) not in said:
                yield path.name, node.value


def options_of(app: typer.Typer, *verbs: str) -> set[str]:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    commands = [group.commands[verb] for verb in verbs]
    parameters = [each for command in commands for each in command.params]
    return {option for each in parameters for option in (*each.opts, *each.secondary_opts)}


def named_options(directory: Path) -> set[str]:
    """Options in the middle of a text; what begins with one is an argument of a program."""
    return {
        option
        for file, text in texts(directory)
        if file != "schemas.py"
        for option in re.findall(r"(?<=[ (`])--[a-z][a-z-]+", text)
    }


def test_no_error_of_a_database_names_a_command_that_a_tenants_move_is_not_driven_by() -> None:
    naming = {
        file for file, text in texts(ROOT) if re.search(r"database (move|cutover|abort|fin)", text)
    }
    naming |= {file for file, text in texts(ROOT) if "`patchworks database" in text}
    assert naming <= OF_A_DATABASE_ALONE, naming


def test_every_option_that_an_error_names_is_one_of_the_commands() -> None:
    named = named_options(ROOT)
    alone = options_of(database.app, *VERBS)
    tenants = options_of(tenant.app, "move", "rollback", "finish", "status")
    assert {"--max-pause", "--carry-seconds"} <= named
    assert named <= alone
    assert named - tenants <= OF_A_DATABASE_ALONE_TOO
