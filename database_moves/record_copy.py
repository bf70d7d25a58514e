"""Copies the record of a move from one store to another, so that it outlives the first one.

A record is rows of DBOS's tables by the names of workflows. What runs is not copied well, so a copy
is made between workflows, by whoever holds the move's lease.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from database_moves import durable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SCHEMA = "dbos"
_NAME = "workflow_uuid"


def copy(source: str, target: str, workflows: Sequence[str]) -> int:
    """Bring workflows, and those whose names go on with a dot, from one store's URL to another's.

    What the target knew of them is replaced, in one transaction. How many there are. Raises
    `StoreError`, without a password, where a store can't be used.
    """
    for url in (source, target):
        # Both get their tables where they have none.
        with durable.reading(url):
            pass
    here, there = _engine(source), _engine(target)
    try:
        with durable.answering(source), here.connect() as session:
            rows = {
                table.name: [
                    dict(row) for row in session.execute(_chosen(table, workflows)).mappings()
                ]
                for table in _tables(session)
            }
        with durable.answering(target), there.begin() as session:
            _replace(session, rows, workflows)
    finally:
        here.dispose()
        there.dispose()
    return len(rows["workflow_status"])


def _engine(url: str) -> sa.Engine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name().startswith("postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return sa.create_engine(parsed, poolclass=sa.NullPool)


def _tables(session: sa.Connection) -> list[sa.Table]:
    """The tables that are of workflows, those that others refer to first."""
    schema = None if session.dialect.name == "sqlite" else _SCHEMA
    found = sa.MetaData(schema=schema)
    found.reflect(session, schema=schema)
    return [table for table in found.sorted_tables if _NAME in table.columns]


def _chosen(table: sa.Table, workflows: Sequence[str]) -> sa.Select[tuple[object, ...]]:
    return sa.select(table).where(_of(table, workflows))


def _of(table: sa.Table, workflows: Sequence[str]) -> sa.ColumnElement[bool]:
    column = table.columns[_NAME]
    return sa.or_(
        column.in_(workflows),
        *(column.startswith(f"{name}.", autoescape=True) for name in workflows),
    )


def _replace(
    session: sa.Connection,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    workflows: Sequence[str],
) -> None:
    tables = _tables(session)
    for table in reversed(tables):
        session.execute(sa.delete(table).where(_of(table, workflows)))
    for table in tables:
        if rows[table.name]:
            session.execute(sa.insert(table), list(rows[table.name]))
