"""Preflight as a whole, against real servers: it says all, changes nothing, and hides nothing."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from made import MOVER_PASSWORD
from psycopg import sql
from rich.console import Console

from database_moves.options import MoveOptions
from database_moves.preflight import Report, Verdict, preflight
from database_moves.preflight.registry import CHECKS, Check
from database_moves.preflight.rendering import render, summary
from tests.database_moves.preflight_levels import Standing, crashed, look, said, shows

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest
    from made import Made

    from database_moves.preflight.situation import Situation
    from database_moves.preflight.verdicts import Finding
    from database_moves.progress import Step

# Everything that a database and its server have; statistics, times and WAL positions move by
# themselves.
_CATALOGS = """
SELECT c.relname FROM pg_class AS c
 WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'
   AND c.relname NOT IN ('pg_statistic', 'pg_largeobject') ORDER BY 1
"""


@shows(dict.fromkeys(CHECKS, "fine"))
def test_an_ordinary_database_may_move_and_every_check_says_so(pair: tuple[Made, Made]) -> Report:
    source, target = pair
    with source.owner() as connection:
        connection.execute("CREATE SCHEMA app")
        connection.execute("CREATE TABLE app.orders (id int PRIMARY KEY, body jsonb)")
        connection.execute("INSERT INTO app.orders SELECT x, '{}' FROM generate_series(1, 99) AS x")
    report = look(source, target, poolers=[Standing()])
    assert not report.refused
    return report


def test_nothing_is_changed_on_either_server(pair: tuple[Made, Made]) -> None:
    source, target = pair
    with source.owner() as connection:
        connection.execute("CREATE TABLE public.keyless (x int)")
    before = [_fingerprint(made) for made in pair]
    preflight(source.as_database("source"), target.as_database("target"), MoveOptions())
    assert [_fingerprint(made) for made in pair] == before


def test_no_secret_is_in_a_report(pair: tuple[Made, Made]) -> None:
    source, target = pair
    report = look(source, target)
    shown = said(report) + repr(report) + json.dumps(report.to_json()) + _printed(report)
    assert MOVER_PASSWORD not in shown
    assert MOVER_PASSWORD[-6:] not in shown


def test_a_check_that_fails_is_a_verdict_and_stops_no_other(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(situation: Situation) -> Iterable[Finding]:
        raise ValueError(f"quoting {situation.source.database.dsn}")

    name = "server.clock"
    monkeypatch.setitem(CHECKS, name, Check(name, broken, "", ("source", "target")))
    source, target = pair
    report = look(source, target, name, "server.version")
    assert crashed(report) == [name]
    assert "ValueError" in report.verdicts[0].message
    assert MOVER_PASSWORD not in repr(report)
    assert report.refused
    assert report.verdicts[1].check == "server.version"


def test_a_lost_connection_is_a_verdict_of_each_check_that_misses_it(
    pair: tuple[Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killing(situation: Situation) -> Iterable[Finding]:
        with source.superuser() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(%s)",
                (situation.source.connection.info.backend_pid,),
            )
        return []

    source, target = pair
    name = "server.clock"
    monkeypatch.setitem(CHECKS, name, Check(name, killing, "", ("source", "target")))
    report = look(source, target, name, "tables.indexes", "target.empty")
    assert crashed(report) == ["tables.indexes"]


def test_progress_names_each_check_and_reaches_its_end(pair: tuple[Made, Made]) -> None:
    steps: list[Step] = []

    def take(step: Step) -> None:
        steps.append(step)

    source, target = pair
    preflight(
        source.as_database("source"),
        target.as_database("target"),
        MoveOptions(),
        progress=take,
    )
    assert [step.detail for step in steps[:-1]] == list(CHECKS)
    assert steps[-1].done == steps[-1].total == len(CHECKS)


def test_thousands_of_tables_are_judged_like_a_few(pair: tuple[Made, Made]) -> None:
    source, target = pair
    with source.owner() as connection:
        connection.execute(
            "DO $$ BEGIN FOR n IN 1..2000 LOOP EXECUTE format("
            "'CREATE TABLE t%s (id int, body text)', n); END LOOP; END $$"
        )
    report = look(source, target)
    found = next(v for v in report.verdicts if v.check == "tables.replica-identity")
    assert len(found.objects) == 2000
    assert "and 1995 more" in found.message
    printed = _printed(report)
    assert "more lines, which --json shows" in printed
    assert printed.count("REPLICA IDENTITY FULL") < 20


REPORT = Report(
    "[a]:5432/x",
    "b:5432/y",
    (
        Verdict("tables.equality", "refused", "no [equality] in t", "ALTER ...;\nor this", ("t",)),
        Verdict("server.clock", "warning", "the clock", None, ()),
        Verdict("server.version", "fine", "PostgreSQL 16 to 18", None, ()),
    ),
    1.25,
)


def test_a_printed_report_has_the_worst_first_with_its_remedy() -> None:
    assert _printed(REPORT).splitlines() == [
        "[a]:5432/x to b:5432/y",
        "refused  tables.equality  no [equality] in t",
        "           ALTER ...;",
        "           or this",
        "warning  server.clock  the clock",
        "fine     server.version  PostgreSQL 16 to 18",
        "a move is refused: 1 refused, 1 warning, 1 fine (1.2 s; nothing was changed)",
    ]


def test_a_terminal_gets_colours_and_a_pipe_does_not() -> None:
    assert "\x1b[" in _printed(REPORT, force_terminal=True)
    assert "\x1b[" not in _printed(REPORT)


def test_a_report_as_data_has_its_documented_shape() -> None:
    assert REPORT.to_json() == {
        "source": "[a]:5432/x",
        "target": "b:5432/y",
        "refused": True,
        "seconds": 1.25,
        "counts": {"refused": 1, "warning": 1, "fine": 1},
        "verdicts": [
            {
                "check": "tables.equality",
                "level": "refused",
                "message": "no [equality] in t",
                "remedy": "ALTER ...;\nor this",
                "objects": ["t"],
            },
            {
                "check": "server.clock",
                "level": "warning",
                "message": "the clock",
                "remedy": None,
                "objects": [],
            },
            {
                "check": "server.version",
                "level": "fine",
                "message": "PostgreSQL 16 to 18",
                "remedy": None,
                "objects": [],
            },
        ],
    }
    assert summary(REPORT) in _printed(REPORT)


def _printed(report: Report, **options: Any) -> str:
    stream = io.StringIO()
    console = Console(file=stream, highlight=False, markup=False, width=40, **options)
    render(report, console)
    return stream.getvalue()


# An autovacuum may come by at any time.
_WITHOUT_VACUUM = {
    "pg_class": "(to_jsonb(c) - '{relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,"
    "relminmxid}'::text[])::text",
    "pg_database": "(to_jsonb(c) - '{datfrozenxid,datminmxid}'::text[])::text",
    "pg_statistic": "starelid::text",
}


def _fingerprint(made: Made) -> dict[str, object]:
    """The rows of every catalog, and what replication keeps outside of catalogs."""
    with made.superuser() as connection:
        found: dict[str, object] = {}
        catalogs = [str(row[0]) for row in connection.execute(_CATALOGS)]
        for name in (*catalogs, "pg_replication_slots", "pg_prepared_xacts"):
            row = _WITHOUT_VACUUM.get(name, "c::text")
            rows = connection.execute(
                sql.SQL("SELECT md5({}) FROM {} AS c ORDER BY 1").format(
                    sql.SQL(row), sql.Identifier(name)
                )
            ).fetchall()
            found[name] = rows
        return found
