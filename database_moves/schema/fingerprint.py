"""Tells whether a database's schema changed, and which objects did.

A fingerprint is of one database and is compared with a later one of the same: texts of another
server or version differ. What a move itself changes does not show: its own schema, publications,
triggers that it turns off on a follower, and forced row-level security.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from database_moves import names
from database_moves.schema.fingerprint_queries import MARKED, QUERIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from database_moves.database import Database

_ATTEMPTS = 5
_SETTINGS = {"search_path": "", "default_transaction_isolation": "repeatable read"}


@dataclass(frozen=True)
class Fingerprint:
    """What each object of a database was, by a name that people read.

    `objects` maps names such as `table app.orders column total` to the first 64 bits of a digest.
    """

    objects: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it; the version is that of the queries."""
        return {"version": 1, "objects": dict(self.objects)}

    @classmethod
    def from_json(cls, content: Any) -> Fingerprint:
        """What `to_json` gave; raises `ValueError` for another version."""
        if not isinstance(content, dict) or content.get("version") != 1:
            raise ValueError("this is no fingerprint that this version can compare with")
        return cls(dict(content["objects"]))


def fingerprint(database: Database) -> Fingerprint:
    """The fingerprint of a database now; below a second for 2,000 tables."""
    with database.session("fingerprint", settings=_SETTINGS) as connection:
        return fingerprint_in(connection)


def fingerprint_in(connection: psycopg.Connection[Any]) -> Fingerprint:
    """As `fingerprint`, in an open session that is in no transaction or is to see its own."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with connection.transaction():
                # The server writes names in full only where no schema is searched.
                connection.execute("SET LOCAL search_path = ''")
                return _take(connection)
        except (
            psycopg.errors.InternalError_,
            psycopg.errors.UndefinedTable,
            psycopg.errors.UndefinedObject,
            psycopg.errors.UndefinedFunction,
        ):
            # An object was dropped between being listed and being described.
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError


def _take(connection: psycopg.Connection[Any]) -> Fingerprint:
    version = connection.info.server_version // 10000
    objects: dict[str, str] = {}
    for query in QUERIES:
        rows = connection.execute(query.replace("{own}", names.SCHEMA).encode()).fetchall()
        for name, *definition in rows:
            digest = hashlib.sha256(repr((version, definition)).encode()).hexdigest()[:16]
            # Names are unique but where catalogs are not: two such objects count as one.
            objects[name] = digest if name not in objects else f"{objects[name]},{digest}"
    return Fingerprint(objects)


def differences(before: Fingerprint, after: Fingerprint) -> list[str]:
    """What was added, removed or changed, an object each, sorted; a table's parts go with it."""
    added = after.objects.keys() - before.objects.keys()
    removed = before.objects.keys() - after.objects.keys()
    changed = {
        name
        for name in before.objects.keys() & after.objects.keys()
        if before.objects[name] != after.objects[name]
    }
    return sorted(
        [f"{name} was added" for name in _without_parts(added)]
        + [f"{name} was removed" for name in _without_parts(removed)]
        + [f"{name} was changed" for name in changed]
    )


def _without_parts(found: set[str]) -> set[str]:
    return {
        name
        for name in found
        if " column " not in name or name.partition(" column ")[0] not in found
    }


def mark(connection: psycopg.Connection[Any]) -> str:
    """What stays the same as long as nothing at all is written to the catalogs that matter.

    Some milliseconds for 2,000 tables, so that it can be compared within the pause; where it
    differs the fingerprint tells whether anything that matters changed. Temporary tables, for one,
    change it.
    """
    row = connection.execute(MARKED.encode()).fetchone()
    assert row is not None
    return hashlib.sha256(repr(row).encode()).hexdigest()[:32]
