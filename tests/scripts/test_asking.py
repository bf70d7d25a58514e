"""What becomes of a command that asks a person at a terminal, whatever is typed there."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from catalog.load import find_root
from tests.terminals import END_OF_INPUT, INTERRUPT, Shown, on_terminal

if TYPE_CHECKING:
    from pathlib import Path

PROMPT = "[y/N]: "
FINISH = ("finish", "--without", "source")
GIVE_UP = ("rollback", "--without", "target", "--whole-cell")


def asked(directory: Path, command: tuple[str, ...], *typed: tuple[str, bytes]) -> Shown:
    """A command of which nothing is there yet: not even a local cloud."""
    verb, *options = command
    line = ["tenant", verb, "brightwater", "--state", str(directory / "none"), *options]
    return on_terminal(
        [sys.executable, "-m", "scripts.main", *line],
        typed,
        settings=os.environ | {"PYTHONPATH": str(find_root()), "TERM": "dumb", "COLUMNS": "200"},
        directory=find_root(),
    )


@pytest.mark.parametrize("command", [FINISH, GIVE_UP], ids=" ".join)
def test_ctrl_c_at_the_question_ends_at_once_with_nothing_changed(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    ended = asked(tmp_path, command, (PROMPT, INTERRUPT))
    assert ended.code == 130, ended
    assert ended.text.endswith("patchworks: nothing was changed\npatchworks: interrupted\n")
    assert "Traceback" not in ended.text
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "typed",
    [
        [(PROMPT, b"n\n")],
        [(PROMPT, b"\n")],
        [(PROMPT, END_OF_INPUT)],
        [
            (PROMPT, b"maybe\n"),
            ("answer y or n", b""),
            (PROMPT, b"\xff;y\n"),
            (PROMPT, b"NO\n"),
        ],
    ],
    ids=["no", "empty", "end of input", "neither"],
)
def test_anything_but_yes_is_a_refusal_with_nothing_changed(
    tmp_path: Path, typed: list[tuple[str, bytes]]
) -> None:
    ended = asked(tmp_path, FINISH, *typed)
    assert ended.code == 3, ended
    assert ended.text.endswith("patchworks: refused: not confirmed, and nothing was changed\n")
    assert not (tmp_path / "none").exists()


def test_yes_goes_on_to_what_the_cloud_says(tmp_path: Path) -> None:
    ended = asked(tmp_path, FINISH, (PROMPT, b"Yes\n"))
    assert ended.code == 3, ended
    assert "patchworks: refused: " in ended.text
    assert "not confirmed" not in ended.text
