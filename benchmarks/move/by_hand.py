"""A cutover as a careful person would script it, with native replication, psql and PgBouncer."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from benchmarks.move import clients
from database_moves.database import Database

if TYPE_CHECKING:
    from benchmarks.move.bed import Bed
    from benchmarks.move.clients import Clients
    from database_moves.database import Side

NAME = "byhand"

_SEQUENCES = """
SELECT format('SELECT setval(%L, %s);', format('%I.%I', schemaname, sequencename), last_value)
  FROM pg_sequences WHERE last_value IS NOT NULL
"""


def cut_over(bed: Bed) -> float:
    """Replicate a database under load and cut it over once; the longest stall in seconds."""
    with clients.writing(bed, NAME) as writing:
        _replicate(bed)
        writing.write_some()
        began = time.time()
        _switch(bed, writing)
        writing.write_some()
        ended = time.time()
        _psql(bed.database("target", NAME), "DROP SUBSCRIPTION by_hand")
        writing.account("target")
        return writing.longest(began, ended)


def _replicate(bed: Bed) -> None:
    """Schema, publication and subscription; done when every table is in step."""
    source, target = bed.database("source", NAME), bed.database("target", NAME)
    dump = subprocess.run(
        [bed.programs / "pg_dump", "--schema-only"],
        env={"PATH": "/usr/bin:/bin", **source.environment()},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    _psql(target, dump)
    _psql(source, "CREATE PUBLICATION by_hand FOR ALL TABLES")
    _psql(
        target,
        f"CREATE SUBSCRIPTION by_hand CONNECTION '{source.dsn}' PUBLICATION by_hand",
    )
    while _psql(target, "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'") != "0":
        time.sleep(0.2)


def _switch(bed: Bed, writing: Clients) -> None:
    source, target = bed.database("source", NAME), bed.database("target", NAME)
    console = Database(writing.pooler.admin_dsn, "source")
    _psql(console, f"PAUSE {NAME}")
    position = _psql(source, "SELECT pg_current_wal_lsn()")
    behind = (
        "SELECT count(*) FROM pg_stat_replication "
        f"WHERE application_name = 'by_hand' AND replay_lsn >= '{position}'"
    )
    while _psql(source, behind) != "1":
        time.sleep(0.01)
    _psql(target, _psql(source, _SEQUENCES))
    _point(bed, writing, "target")
    _psql(console, "RELOAD")
    _psql(console, f"RESUME {NAME}")


def _point(bed: Bed, writing: Clients, side: Side) -> None:
    old, new = clients.entry(bed, "source", NAME), clients.entry(bed, side, NAME)
    file = writing.pooler.config
    file.write_text(file.read_text().replace(old, new))


def _psql(database: Database, statements: str) -> str:
    return subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "-At", "--set=ON_ERROR_STOP=1"],
        input=statements,
        env={"PATH": "/usr/bin:/bin", **_environment(database)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def _environment(database: Database) -> dict[str, str]:
    parts = conninfo_to_dict(database.dsn)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    found = {variable: str(parts[name]) for name, variable in names.items()}
    return found | {"PGDATABASE": str(parts["dbname"])}
