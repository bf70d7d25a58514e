"""A move's record is copied from one store to another, whole, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from database_moves import durable, record_copy
from database_moves.durable import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dbos import DBOSClient

    from rehearsal.servers.postgresql import PostgresqlServer

MOVE = "acme-2"
PASSWORD = 'p\'w "x" %41@:/$;ü'


@durable.workflow("copied")
def work(request: durable.Output) -> durable.Output:
    """One step and what it returns."""
    return note(request["text"])


@durable.step("note")
def note(text: str) -> durable.Output:
    """Say it again."""
    return {"noted": text}


def write(url: str, texts: dict[str, str]) -> None:
    with durable.launched("copied", url):
        for name, text in texts.items():
            durable.run(name, work, {"text": text})


def noted(client: DBOSClient) -> dict[str, object]:
    found = client.list_workflows(load_output=True)
    return {
        each.workflow_id: (each.status, each.output, client.list_workflow_steps(each.workflow_id))
        for each in found
    }


def everything(url: str) -> dict[str, object]:
    with durable.reading(url) as client:
        return noted(client)


@pytest.fixture
def postgresql(servers: Callable[[int], PostgresqlServer]) -> str:
    """A store of a login with a hostile password."""
    server = servers(16)
    with psycopg.connect(server.superuser_dsn, autocommit=True) as session:
        session.execute("DROP DATABASE IF EXISTS copied_record WITH (FORCE)")
        session.execute("DROP ROLE IF EXISTS copied_owner")
        password = sql.Literal(PASSWORD)
        session.execute(sql.SQL("CREATE ROLE copied_owner LOGIN PASSWORD {}").format(password))
        session.execute("CREATE DATABASE copied_record OWNER copied_owner")
    login = f"copied_owner:{quote(PASSWORD, safe='')}"
    return f"postgresql://{login}@{server.host}:{server.port}/copied_record"


def test_a_record_is_the_same_in_another_store_and_brings_what_is_new(
    tmp_path: Path, postgresql: str
) -> None:
    here, there = durable.store_url(tmp_path / "here"), durable.store_url(tmp_path / "there")
    texts = {MOVE: "it", f"{MOVE}.swap.1": "a swap", f"tenant.{MOVE}.expand": "a step"}
    others = {f"{MOVE}0": "another move's", "acme-20.swap.1": "another's", "acme_2": "no wildcard"}
    write(here, texts | others)
    write(there, {"own": "stays"})
    for target in (postgresql, there, there):
        assert record_copy.copy(here, target, (MOVE, f"tenant.{MOVE}")) == len(texts)
    source = everything(here)
    assert everything(postgresql) == {name: source[name] for name in texts}
    assert set(everything(there)) == {*texts, "own"}

    write(here, {f"{MOVE}.finish.1": "the end"})
    assert record_copy.copy(here, postgresql, (MOVE, f"tenant.{MOVE}")) == len(texts) + 1
    # And back, from the one kind of store into the other.
    back = durable.store_url(tmp_path / "back")
    record_copy.copy(postgresql, back, (MOVE, f"tenant.{MOVE}"))
    assert everything(back) == everything(postgresql)


def test_a_store_that_is_gone_is_told_by_its_own_name_and_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = durable.store_url(tmp_path)
    gone = f"postgresql://me:{quote(PASSWORD, safe='')}@127.0.0.1:1/moves"
    for source, target in ((here, gone), (gone, here)):
        with pytest.raises(StoreError) as told:
            record_copy.copy(source, target, (MOVE,))
        assert PASSWORD not in str(told.value)
        assert quote(PASSWORD, safe="") not in str(told.value)
        assert "the record of moves in 127.0.0.1:1/moves can't be used" in str(told.value)
        assert durable.URL_VARIABLE not in str(told.value)
    monkeypatch.setenv(durable.URL_VARIABLE, gone)
    with pytest.raises(StoreError, match=f"the store in {durable.URL_VARIABLE} can't be used"):
        record_copy.copy(here, gone, (MOVE,))
