"""Writes and reads the schema's archive: what pg_dump says, and what its entries leave open."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import psycopg.pq

from database_moves import names
from database_moves.errors import MoveError
from database_moves.schema import contents, programs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from database_moves.database import Database
    from database_moves.schema.contents import Entry

STOP_SECONDS = 0.2
"""How often a pg_dump under way looks whether it is wanted no more."""

_DUMP = "schema.dump"
_FACTS = "schema.json"

# Nothing of an extension or of a move, and nothing of the system.
_OURS = (
    "n.nspname <> %(own)s AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%%'"
)

_INDEXES = f"""
SELECT i.indexrelid::bigint, coalesce(k.oid, 0)::bigint, coalesce(k.contype::text, ''),
       n.nspname, c.relname, c.relkind::text, x.relname, pg_get_indexdef(i.indexrelid),
       m.amname = 'btree', coalesce(k.condeferrable, false), coalesce(k.condeferred, false),
       i.indisclustered, i.indisreplident,
       NOT EXISTS (
           SELECT FROM pg_depend AS d
            WHERE (d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                   OR d.classid = 'pg_constraint'::regclass AND d.objid = k.oid)
              AND (d.refclassid = 'pg_proc'::regclass
                   OR d.refclassid IN ('pg_operator'::regclass, 'pg_opclass'::regclass)
                      AND NOT EXISTS (SELECT FROM pg_depend AS e
                                       WHERE e.classid = d.refclassid AND e.objid = d.refobjid
                                         AND e.deptype = 'e')))
  FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_am AS m ON m.oid = x.relam
  JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_constraint AS k
    ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
 WHERE c.relpersistence <> 't' AND {_OURS}
"""  # noqa: S608  # a constant

_FOREIGN_KEYS = f"""
SELECT k.oid::bigint, n.nspname, c.relname, k.conname
  FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE k.contype = 'f' AND k.conparentid = 0 AND k.convalidated AND c.relkind = 'r' AND {_OURS}
"""  # noqa: S608  # a constant

_POPULATED = f"""
SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'm' AND c.relispopulated AND {_OURS}
"""  # noqa: S608  # a constant


@dataclass(frozen=True)
class IndexFact:
    """What the source's catalog says of an index."""

    oid: int
    constraint: int
    """OID of the constraint it serves, or 0."""
    constraint_type: str
    """`p`, `u`, `x`, or empty."""
    schema: str
    table: str
    table_kind: str
    name: str
    definition: str
    btree: bool
    deferrable: bool
    deferred: bool
    clustered: bool
    replica_identity: bool
    apart: bool = False
    """Whether it needs the rows of its own table only. One that calls functions which are not
    PostgreSQL's own may read any, whatever they are declared as."""


@dataclass(frozen=True)
class ForeignKeyFact:
    """A validated foreign key of an ordinary table."""

    oid: int
    schema: str
    table: str
    name: str


@dataclass(frozen=True)
class Archive:
    """A directory with the schema of the source; it holds no credential."""

    directory: Path
    owners: bool
    grants: bool
    indexes: tuple[IndexFact, ...]
    foreign_keys: tuple[ForeignKeyFact, ...]
    populated: tuple[tuple[str, str], ...]
    """Schema and name of the materialized views that had rows."""

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """All that pg_dump wrote, in the order it is to run."""
        return contents.read(self.directory / _DUMP)


def dump(
    source: Database,
    directory: Path,
    *,
    target: Database | None = None,
    snapshot: str | None = None,
    owners: bool = True,
    grants: bool = True,
    stopped: Callable[[], bool] | None = None,
) -> Archive:
    """Write the source's schema to a directory, which is made; what is there is replaced.

    `snapshot` is the name of an exported one that is still held; `target` tells for which version.
    Soon after `stopped` says so, pg_dump is ended. Raises `RefusedError` without a pg_dump that is
    new enough and `MoveError` when it fails or is ended.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with source.session("schema", settings={"search_path": ""}) as connection:
        major = connection.info.server_version // 10000
        arguments = {"own": names.SCHEMA}
        facts: dict[str, Any] = {
            "owners": owners,
            "grants": grants,
            "indexes": connection.execute(_INDEXES, arguments).fetchall(),
            "foreign_keys": connection.execute(_FOREIGN_KEYS, arguments).fetchall(),
            "populated": connection.execute(_POPULATED, arguments).fetchall(),
        }
    preferred = None
    if target is not None:
        with target.session("version") as connection:
            preferred = connection.info.server_version // 10000
    # The dump gets its name last: where it is, all is.
    with contextlib.suppress(FileNotFoundError):
        (directory / _DUMP).unlink()
    written = directory / (_DUMP + ".part")
    _run(programs.find(major, preferred).pg_dump, source, written, snapshot, stopped)
    (directory / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
    written.rename(directory / _DUMP)
    return load(directory)


def load(directory: Path) -> Archive:
    """An archive that was written before; raises `FileNotFoundError` where it is not complete."""
    if not (directory / _DUMP).exists():
        raise FileNotFoundError(directory / _DUMP)
    facts = json.loads((directory / _FACTS).read_text(encoding="utf-8"))
    return Archive(
        directory,
        owners=facts["owners"],
        grants=facts["grants"],
        indexes=tuple(IndexFact(*row) for row in facts["indexes"]),
        foreign_keys=tuple(ForeignKeyFact(*row) for row in facts["foreign_keys"]),
        populated=tuple((schema, name) for schema, name in facts["populated"]),
    )


def environment(database: Database) -> dict[str, str]:
    """This process's environment, in which PostgreSQL's programs reach that database alone.

    The operator's own variables count where libpq would have taken them for the connection string
    too; the rest (`PGDATESTYLE`, `PGOPTIONS` and so on) would only change what is written.
    """
    connecting = {
        option.envvar.decode()
        for option in psycopg.pq.Conninfo.get_defaults()
        if option.envvar and option.keyword not in (b"options", b"client_encoding")
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PG") or name in connecting
    }
    return {**kept, "LC_ALL": "C.UTF-8", **database.environment()}


def move(archive: Archive, directory: Path) -> Archive:
    """Put an archive into another directory, which is made; what is there is replaced."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        (directory / _DUMP).unlink()
    # As in `dump`: where the dump is, all is.
    for name in (_FACTS, _DUMP):
        shutil.copyfile(archive.directory / name, directory / (name + ".part"))
        (directory / (name + ".part")).rename(directory / name)
    moved = replace(archive, directory=directory)
    moved.__dict__["entries"] = archive.entries
    return moved


def _run(
    pg_dump: Path,
    source: Database,
    written: Path,
    snapshot: str | None,
    stopped: Callable[[], bool] | None,
) -> None:
    command = [
        str(pg_dump),
        "--format=custom",
        "--compress=0",
        "--schema-only",
        "--no-publications",
        "--no-subscriptions",
        f"--exclude-schema={names.SCHEMA}",
        "--no-password",
        f"--file={written}",
    ]
    if snapshot is not None:
        command.append(f"--snapshot={snapshot}")
    with subprocess.Popen(  # noqa: S603  # names of ours and of a snapshot, no shell
        command,
        env=environment(source),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        try:
            said = _awaited(process, stopped or (lambda: False))
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise MoveError(
            f"pg_dump could not read the schema of {source.address}: "
            + without_secrets(said.strip(), source)
        )


def _awaited(process: subprocess.Popen[str], stopped: Callable[[], bool]) -> str:
    while not stopped():
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=STOP_SECONDS)[1]
    raise MoveError("the schema is read no further")


def without_secrets(text: str, database: Database) -> str:
    """What a program said, with whatever of it the connection string keeps to itself left out."""
    for name, value in database.environment().items():
        if name in ("PGPASSWORD", "PGSSLKEY", "PGPASSFILE") and value:
            text = text.replace(value, "***")
    return text
