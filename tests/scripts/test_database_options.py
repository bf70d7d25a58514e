"""Connection strings on the command line: what is none is refused, and a password is warned of."""

import sys
from pathlib import Path

import pytest
import typer

from database_moves.database import Database
from scripts.database_options import database, pooler_list

PASSWORD = 'p\'w "x" %41@:/$;ü'
SECRET = f"host=h user=u password='{PASSWORD.replace(chr(39), chr(92) + chr(39))}' dbname=pgbouncer"
SIDES = (
    Database("host=a user=u dbname=shop", "source"),
    Database("host=b user=u dbname=shop", "target"),
)


@pytest.fixture
def given(monkeypatch):
    """Has the program's arguments be these."""
    return lambda *arguments: monkeypatch.setattr(sys, "argv", ["patchworks", *arguments])


def test_a_password_in_the_arguments_is_warned_of_and_not_repeated(given, capsys):
    given("database", "move", "shop", "--pooler", SECRET)
    pooler_list([SECRET], [Path("pgbouncer.ini")], *SIDES)
    given("database", "move", "shop", f"--source={SECRET}")
    database(SECRET, "source")
    first, second = capsys.readouterr().err.splitlines()
    assert "--pooler" in first
    assert "PATCHWORKS_POOLER" in first
    assert "PATCHWORKS_SOURCE" in second
    assert PASSWORD not in first + second


def test_a_password_in_a_variable_is_nobodys_business(given, capsys, monkeypatch):
    given("database", "move", "shop")
    monkeypatch.setenv("PATCHWORKS_POOLER", SECRET)
    assert len(pooler_list(None, [Path("pgbouncer.ini")], *SIDES)) == 1
    database(SECRET, "source")
    assert capsys.readouterr().err == ""


def test_what_is_no_connection_string_is_refused_without_being_repeated(given):
    wrong = f"password={PASSWORD} :::"
    given("database", "move", "shop")
    for refused, option in (
        (lambda: pooler_list([wrong], [Path("pgbouncer.ini")], *SIDES), "--pooler"),
        (lambda: database(wrong, "target"), "--target"),
    ):
        with pytest.raises(typer.BadParameter) as found:
            refused()
        assert option in str(found.value)
        assert "p'w" not in str(found.value)
