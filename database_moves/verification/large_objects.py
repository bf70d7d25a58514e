"""Compares large objects where neither side is written: no change stream carries them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.verification.result import Difference
from database_moves.verification.session import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.database import Database
    from database_moves.verification.session import Session

_LIST = "SELECT oid::bigint FROM pg_largeobject_metadata ORDER BY oid"

_PART_BYTES = 4 * 1024**2
_BATCH = 200

# A part that is shorter than asked for is the last one.
_PART = """
SELECT o, sha256(d), octet_length(d) FROM (
    SELECT o, lo_get(o::oid, %(at)s, %(size)s) AS d FROM unnest(%(oids)s::bigint[]) AS o OFFSET 0
) AS p
"""

NAME = "large objects"


def verify_large_objects(serving: Database, follower: Database) -> tuple[Difference, ...]:
    """The large objects that differ, by oid; each is read in parts, the objects side by side.

    Raises `psycopg.errors.InsufficientPrivilege` if the role may not read one.
    """
    pair = Pair(serving, follower)
    try:
        return tuple(_differences(pair))
    finally:
        pair.close()


def _differences(pair: Pair) -> Iterator[Difference]:
    ours, theirs = pair.both(lambda session: [row[0] for row in session.rows(_LIST)])
    for oid in sorted(set(ours) - set(theirs)):
        yield Difference(NAME, "missing", {"oid": str(oid)})
    for oid in sorted(set(theirs) - set(ours)):
        yield Difference(NAME, "extra", {"oid": str(oid)})
    common = sorted(set(ours) & set(theirs))
    for at in range(0, len(common), _BATCH):
        for oid in _unlike(pair, common[at : at + _BATCH]):
            yield Difference(NAME, "differs", {"oid": str(oid)})


def _unlike(pair: Pair, oids: list[int]) -> list[int]:
    unlike: list[int] = []
    left, at = oids, 0
    while left:
        asked = {"oids": left, "at": at, "size": _PART_BYTES}

        def read(
            session: Session, asked: dict[str, object] = asked
        ) -> dict[int, tuple[bytes, int]]:
            return {oid: (digest, size) for oid, digest, size in session.rows(_PART, asked)}

        ours, theirs = pair.both(read)
        unlike += [oid for oid in left if ours[oid] != theirs[oid]]
        left = [oid for oid in left if ours[oid] == theirs[oid] and ours[oid][1] == _PART_BYTES]
        at += _PART_BYTES
    return sorted(unlike)
