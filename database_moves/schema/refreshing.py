"""Brings what is computed from the rows: materialized views and the planner's statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from database_moves import crash_points, names
from database_moves.errors import MoveError
from database_moves.progress import Progress, Step, silent
from database_moves.schema import restoring, sessions
from database_moves.schema.sessions import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from database_moves.database import Database
    from database_moves.schema.archive import Archive

_LARGE = 8 * 1024**2
_BATCH = 100

# What is analyzed by itself: with a partitioned table, versions before 18 analyze its parts too.
_TABLES = """
SELECT n.nspname, c.relname, c.relkind = 'p',
       CASE c.relkind WHEN 'p' THEN 0 ELSE pg_table_size(c.oid) END
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE (c.relkind IN ('r', 'p') OR c.relkind = 'm' AND c.relispopulated)
   AND c.relpersistence <> 't' AND n.nspname <> %(own)s
   AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%%'
   AND (%(parts)s OR NOT c.relispartition)
   AND pg_has_role(c.relowner, 'USAGE')
"""

_ONLY_SINCE = 180000
"""`ANALYZE ONLY`, by `server_version_num`."""


def refresh_materialized_views(archive: Archive, target: Database) -> int:
    """Fill those that had rows on the source, each after those it reads; how many.

    Idempotent: a rerun fills them again. Raises `MoveError` naming one that can't be filled, and
    `psycopg.errors.LockNotAvailable` where somebody has read one for seconds.
    """
    wanted = set(archive.populated)
    # The archive holds them in the order they depend on each other.
    views = [
        (entry.schema, entry.name)
        for entry in archive.entries
        if entry.kind == "MATERIALIZED VIEW" and (entry.schema, entry.name) in wanted
    ]
    # Functions that name no schema need what the application's sessions have; from version 17 on
    # the server sets its own path.
    settings = {
        **restoring.SETTINGS,
        "search_path": '"$user", public',
        # After a cutover applications read them, and queue behind this when it waits for one.
        "lock_timeout": "2s",
    }
    with restoring.session(target, settings) as connection:
        left = views
        while left:
            failed: list[tuple[tuple[str, str], psycopg.Error]] = []
            for view in left:
                try:
                    connection.execute(
                        sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(*view))
                    )
                except psycopg.errors.ObjectNotInPrerequisiteState as error:
                    # It reads, within a function, another one that is not filled yet.
                    failed.append((view, error))
                except psycopg.OperationalError:
                    raise
                except psycopg.Error as error:
                    raise _failure(view, error) from None
                crash_points.reached("rest.view-refreshed")
            if len(failed) == len(left):
                raise _failure(*failed[0])
            left = [view for view, _ in failed]
    return len(views)


def analyze(target: Database, jobs: int, *, progress: Progress = silent) -> int:
    """Collect statistics of every table and filled materialized view; how many."""
    with restoring.session(target) as connection:
        parts = connection.info.server_version >= _ONLY_SINCE
        found = connection.execute(_TABLES, {"own": names.SCHEMA, "parts": parts}).fetchall()
    only = sql.SQL("ONLY ") if parts else sql.SQL("")
    each = [
        ((only if partitioned else sql.SQL("")) + sql.Identifier(schema, name), size, name)
        for schema, name, partitioned, size in found
    ]
    large = [[item] for item in each if item[1] >= _LARGE]
    small = [item for item in each if item[1] < _LARGE]
    batches = large + [small[n : n + _BATCH] for n in range(0, len(small), _BATCH)]
    sessions.work(
        target,
        [_analyzing(batch) for batch in batches],
        jobs,
        {"synchronous_commit": "off"},
        lambda done, what: progress(Step("statistics", done, len(found), "tables", what)),
    )
    crash_points.reached("rest.analyzed")
    return len(found)


def _analyzing(batch: Sequence[tuple[sql.Composable, int, str]]) -> Task:
    def run(connection: psycopg.Connection[Any]) -> Iterable[Task]:
        connection.execute(
            sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(table for table, _, _ in batch))
        )
        return ()

    return Task(sum(size for _, size, _ in batch), len(batch), batch[0][2], run)


def _failure(view: tuple[str, str], error: psycopg.Error) -> MoveError:
    return MoveError(
        f"materialized view {'.'.join(view)} can't be refreshed: {restoring.message(error)}",
        remedy="refresh it on the source to see whether its query still works there, or drop it",
    )
