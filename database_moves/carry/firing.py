"""Triggers that fire for replicated rows too, and forced row security: off where changes arrive.

A trigger ENABLE ALWAYS or ENABLE REPLICA would do on the follower again what it did where the row
was written; forced row security stops a subscription. Their settings are kept in the follower, in
the transaction that turns them off, and set again there when it begins to serve: the other side
need not answer then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves import control, names
from database_moves.carry.cost import NONE, Cost

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

NOTE = "firing"

_SECONDS_EACH = 0.001

_FOUND = """
SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text
  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE t.tgenabled IN ('A', 'R') AND NOT t.tgisinternal AND n.nspname <> %(own)s
   AND c.relkind IN ('r', 'p')
 UNION ALL
SELECT n.nspname, c.relname, NULL, 'F'
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relforcerowsecurity AND n.nspname <> %(own)s AND c.relkind IN ('r', 'p')
 ORDER BY 1, 2, 3
"""

_ON = {
    "A": "ALTER TABLE ONLY {table} ENABLE ALWAYS TRIGGER {trigger}",
    "R": "ALTER TABLE ONLY {table} ENABLE REPLICA TRIGGER {trigger}",
    "F": "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
}
_OFF = {
    "A": "ALTER TABLE ONLY {table} DISABLE TRIGGER {trigger}",
    "R": "ALTER TABLE ONLY {table} DISABLE TRIGGER {trigger}",
    "F": "ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
}

Setting = tuple[str, str, str | None, str]
"""Schema, table, trigger (None: forced row security), mode (`A`, `R`, or `F` for the latter)."""


def settings(connection: Connection) -> list[Setting]:
    """Those that are on in a database now."""
    return [tuple(row) for row in connection.execute(_FOUND, {"own": names.SCHEMA})]


def estimate(serving: Connection) -> Cost:
    """What turning them on at the swap costs."""
    count = len(settings(serving))
    return Cost(count * _SECONDS_EACH, 0, count) if count else NONE


def carry(serving: Connection, follower: Connection) -> int:
    """Turn them off on the follower and keep there what the serving side has; how many it has.

    Idempotent: to be called before the follower's subscription is enabled, and again in the pause,
    where it only looks unless something changed.
    """
    release(serving)
    wanted, on = settings(serving), settings(follower)
    kept = control.recall(follower, NOTE)
    if on or kept != [list(setting) for setting in wanted]:
        with follower.transaction():
            control.remember(follower, NOTE, wanted)
            for setting in on:
                _apply(follower, setting, _OFF)
    return len(wanted)


def release(serving: Connection) -> int:
    """Set what is kept in the side that now serves, in one transaction; how many.

    To be called after the decision, before the side is opened; a second call finds nothing to do.
    """
    kept: list[Setting] | None = control.recall(serving, NOTE)
    if not kept:
        return 0
    with serving.transaction():
        for setting in kept:
            _apply(serving, setting, _ON)
        control.remember(serving, NOTE, [])
    return len(kept)


def _apply(connection: Connection, setting: Setting, statements: dict[str, str]) -> None:
    schema, table, trigger, mode = setting
    connection.execute(
        sql.SQL(statements[mode]).format(
            table=sql.Identifier(schema, table), trigger=sql.Identifier(trigger or "")
        )
    )
