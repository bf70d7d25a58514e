"""Builds indexes and keys after the rows: many at once, on one table too, the largest first.

A key is built as a unique index and then made the key, because only plain indexes can be built
side by side on one table. Each index is recorded in the transaction that builds it, so a rerun
finds either both or neither, and no invalid index is ever left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from database_moves import crash_points
from database_moves.errors import MoveError
from database_moves.progress import Progress, Step, silent
from database_moves.schema import restoring, sessions, statements
from database_moves.schema.contents import Section
from database_moves.schema.sessions import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from database_moves.database import Database
    from database_moves.schema.archive import Archive, IndexFact
    from database_moves.schema.contents import Entry

_KINDS = ("INDEX", "CONSTRAINT", "INDEX ATTACH")
_LARGE = 8 * 1024**2
"""Bytes of a table above which its indexes are built one by one; below, a table at once."""
_BATCH = 64
"""Small tables a transaction."""

_SIZES = """
SELECT n.nspname, c.relname, pg_table_size(c.oid)
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN unnest(%s::text[], %s::text[]) AS w(schema, name)
    ON w.schema = n.nspname AND w.name = c.relname
"""

# One that writes its tree is about to end; its session then has nothing left to build.
_BUSY = """
SELECT count(*) FROM pg_stat_progress_create_index
 WHERE datname = current_database() AND pid <> pg_backend_pid()
   AND phase <> 'building index: loading tuples in tree'
"""

_Name = tuple[str, str]


@dataclass(eq=False)
class _Indexes:
    """Those of one table."""

    table: _Name
    size: int = 0
    entries: list[tuple[Entry, IndexFact]] = field(default_factory=list)


def entries_of(archive: Archive) -> list[Entry]:
    """The entries that `build_indexes` runs; the rest of what follows the rows is left.

    An index of a view that itself waits for a key, for one, waits with it.
    """
    facts = _facts(archive)
    later = {entry.number for entry in archive.entries if entry.section is Section.AFTER_ROWS}
    taken: list[Entry] = []
    for entry in archive.entries:
        # A NOT NULL that is not validated is a CONSTRAINT too, but no index.
        known = entry.kind == "INDEX ATTACH" or entry.oid in facts
        if entry.kind in _KINDS and known and not entry.needs & later:
            taken.append(entry)
            later.discard(entry.number)
    return taken


def apart(archive: Archive) -> dict[tuple[str, str], list[Entry]]:
    """Those of them that need only one table's rows, by the table's schema and name."""
    facts = _facts(archive)
    tables: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries_of(archive):
        fact = facts.get(entry.oid)
        if fact is not None and fact.apart and entry.kind != "INDEX ATTACH":
            tables.setdefault((fact.schema, fact.table), []).append(entry)
    return tables


def build_indexes(
    target: Database,
    archive: Archive,
    *,
    jobs: int,
    memory: int = 512 * 1024**2,
    progress: Progress = silent,
) -> int:
    """Build all indexes and keys that are not there yet; how many entries that were.

    `memory` is `maintenance_work_mem` of each of `jobs` sessions, in bytes. Idempotent. Raises
    `MoveError` naming an index that can't be built, such as a unique one under another collation.
    """
    with restoring.session(target) as connection:
        done = restoring.restored(connection)
        entries = [entry for entry in entries_of(archive) if entry.key not in done]
        tables = _by_table(connection, archive, entries)
        large = [table for table in tables if _is_large(table, done)]
        large.sort(key=lambda table: -table.size)
        settings = {
            # Written to disk by what commits after them, at the end.
            "synchronous_commit": "off",
            "maintenance_work_mem": f"{max(1024, memory // 1024)}kB",
            "max_parallel_maintenance_workers": "0",
        }
        helpers = iter(lent(sum(len(table.entries) for table in large), jobs))
        tasks = [
            task for table in large for task in _side_by_side(table, archive, done, helpers, jobs)
        ]
        tasks += _together([table for table in tables if table not in large], archive)
        total = sum(task.counts for task in tasks)
        sessions.work(
            target,
            tasks,
            jobs,
            settings,
            lambda so_far, what: progress(Step("indexes", so_far, total, "indexes", what)),
        )
        attached = [entry for entry in entries if entry.kind == "INDEX ATTACH"]
        restoring.run(connection, archive, attached)
        restoring.record(connection, ["indexes"])
    crash_points.reached("indexes.built")
    return len(entries)


def lent(builds: int, jobs: int) -> list[int]:
    """Parallel workers for each of so many builds, in the order in which they begin.

    The last ones are fewer than there are sessions, whose processors they get in their place.
    """
    last = builds % jobs
    return [0] * (builds - last) + [-(-jobs // last) - 1 for _ in range(last)]


def spared(connection: psycopg.Connection[Any], jobs: int) -> int:
    """Sessions that build nothing now, or soon will not, beside the one that asks.

    The last build begins when the first session has nothing else left. Where another has a build
    before it that takes long, a parallel worker would only take that one's processor.
    """
    row = connection.execute(_BUSY).fetchone()
    return max(0, jobs - 1 - (row[0] if row is not None else 0))


def _is_large(table: _Indexes, done: set[str]) -> bool:
    # A table whose indexes were begun one by one stays so, whatever its size is now.
    begun = any(f"{entry.key} built" in done for entry, _ in table.entries)
    return table.size >= _LARGE or begun


def _facts(archive: Archive) -> dict[int, IndexFact]:
    return {fact.constraint or fact.oid: fact for fact in archive.indexes}


def _by_table(
    connection: psycopg.Connection[Any], archive: Archive, entries: Sequence[Entry]
) -> list[_Indexes]:
    facts = _facts(archive)
    tables: dict[_Name, _Indexes] = {}
    for entry in entries:
        fact = facts.get(entry.oid)
        if fact is not None and entry.kind != "INDEX ATTACH":
            name = (fact.schema, fact.table)
            tables.setdefault(name, _Indexes(name)).entries.append((entry, fact))
    names = list(tables)
    found = connection.execute(_SIZES, ([n[0] for n in names], [n[1] for n in names]))
    for schema, name, size in found:
        tables[schema, name].size = size
    return list(tables.values())


def _side_by_side(
    table: _Indexes, archive: Archive, done: set[str], helpers: Iterator[int], jobs: int
) -> list[Task]:
    """A task for each index, and one that makes them keys when the last is built."""
    parts = [_split(entry, fact, archive) for entry, fact in table.entries]
    left = {number for number, (create, _) in enumerate(parts) if create}
    ends = [(entry, rest) for (entry, _), (_, rest) in zip(table.entries, parts, strict=True)]

    def end(connection: psycopg.Connection[Any]) -> Iterable[Task]:
        with connection.transaction():
            for entry, rest in ends:
                _execute(connection, rest, entry)
            restoring.record(connection, (entry.key for entry, _ in ends))
        crash_points.reached("indexes.table-done")
        return ()

    last = Task(table.size, 0, ".".join(table.table), end)

    def build(number: int) -> Task:
        entry, fact = table.entries[number]
        key = f"{entry.key} built"
        workers = next(helpers)

        def run(connection: psycopg.Connection[Any]) -> Iterable[Task]:
            if key not in done:
                with connection.transaction():
                    connection.execute(
                        "SELECT set_config('max_parallel_maintenance_workers', %s, true)",
                        (str(workers and min(workers, spared(connection, jobs))),),
                    )
                    _execute(connection, parts[number][0], entry)
                    restoring.record(connection, [key])
                crash_points.reached("indexes.one-built")
            left.discard(number)
            return () if left else (last,)

        return Task(table.size, 1, fact.name, run)

    return [build(number) for number in sorted(left)] or [last]


def _together(tables: Sequence[_Indexes], archive: Archive) -> list[Task]:
    """Tasks of many small tables each."""
    ordered = sorted(tables, key=lambda table: -table.size)
    batches: list[list[_Indexes]] = []
    room = 0
    for table in ordered:
        if not batches or len(batches[-1]) >= _BATCH or room < table.size:
            batches.append([])
            room = _LARGE
        batches[-1].append(table)
        room -= table.size

    def task(batch: list[_Indexes]) -> Task:
        entries = [entry for table in batch for entry, _ in table.entries]

        def run(connection: psycopg.Connection[Any]) -> Iterable[Task]:
            with connection.transaction():
                restoring.run_batch(connection, archive, entries)
            crash_points.reached("indexes.batch-done")
            return ()

        return Task(sum(table.size for table in batch), len(entries), ".".join(batch[0].table), run)

    return [task(batch) for batch in batches]


def _split(entry: Entry, fact: IndexFact, archive: Archive) -> tuple[str, str]:
    """What builds the index beside others of its table, and what needs the table alone.

    The first is empty where the index can't be built apart from its constraint.
    """
    whole = statements.text(entry, archive)
    if entry.kind == "INDEX":
        create = fact.definition + ";"
        return (create, whole.removeprefix(create)) if whole.startswith(create) else ("", whole)
    apart = fact.constraint_type in ("p", "u") and fact.btree and fact.table_kind == "r"
    if not apart or "DEPENDS ON EXTENSION" in whole:
        return "", whole
    table, index = sql.Identifier(fact.schema, fact.table), sql.Identifier(fact.name)
    kind = sql.SQL("PRIMARY KEY" if fact.constraint_type == "p" else "UNIQUE")
    parts: list[sql.Composable] = [
        sql.SQL("ALTER TABLE ONLY {} ADD CONSTRAINT {} {} USING INDEX {}").format(
            table, index, kind, index
        )
    ]
    if fact.deferrable:
        parts.append(sql.SQL(" DEFERRABLE"))
    if fact.deferred:
        parts.append(sql.SQL(" INITIALLY DEFERRED"))
    if fact.clustered:
        parts.append(sql.SQL("; ALTER TABLE {} CLUSTER ON {}").format(table, index))
    if fact.replica_identity:
        parts.append(
            sql.SQL("; ALTER TABLE ONLY {} REPLICA IDENTITY USING INDEX {}").format(table, index)
        )
    return fact.definition, sql.Composed(parts).as_string()


def _execute(connection: psycopg.Connection[Any], text: str, entry: Entry) -> None:
    if not text.strip():
        return
    try:
        connection.execute(text.encode("utf-8", "surrogateescape"))
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise MoveError(f"{entry} can't be built: {restoring.message(error)}") from None
