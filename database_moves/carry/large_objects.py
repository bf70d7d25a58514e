"""Carries large objects, with their numbers, owners, privileges and comments.

They are compared by digests that each server computes; only what differs goes from one to the
other. A role that is no superuser may not read `pg_largeobject`, so all goes by functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from database_moves import grantees
from database_moves.carry.cost import NONE, Cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

CHUNK = 1024 * 1024
"""Bytes that are read, hashed or written at once."""

BATCH = 500
"""Objects that one statement describes; each keeps a descriptor until it ends."""

_SECONDS_EACH = 0.0005
_BYTES_A_SECOND = 30_000_000
"""Where all is new, measured 2026-11 with PostgreSQL 16 and 18; where all is there already, hashing
it on both sides goes at three times that."""

_OIDS = "SELECT m.oid::bigint FROM pg_largeobject_metadata AS m ORDER BY m.oid"

_READ_MODE = 0x40000
"""INV_READ of the server's large object functions."""

_DESCRIBE = """
SELECT s.oid::bigint, s.owner, s.acl, s.comment, s.size,
       (SELECT sha256(string_agg(sha256(lo_get(s.oid, o, %(chunk)s)), '' ORDER BY o))
          FROM generate_series(0::bigint, s.size - 1, %(chunk)s) AS o)
  FROM (SELECT m.oid, pg_get_userbyid(m.lomowner) AS owner,
               ARRAY(SELECT ARRAY[CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END,
                                  a.privilege_type, a.is_grantable::text]
                       FROM aclexplode(coalesce(m.lomacl, acldefault('L', m.lomowner))) AS a
                      ORDER BY 1) AS acl,
               obj_description(m.oid, 'pg_largeobject') AS comment,
               lo_lseek64(lo_open(m.oid, %(mode)s), 0, 2) AS size
          FROM pg_largeobject_metadata AS m WHERE m.oid = ANY(%(oids)s::oid[]) OFFSET 0) AS s
"""


@dataclass(frozen=True)
class Described:
    """All that makes a large object, but its bytes."""

    oid: int
    owner: str
    acl: tuple[tuple[str, str, str], ...]
    """Grantee (empty: everyone), privilege and whether it may be granted on (`true`, `false`)."""
    comment: str | None
    size: int
    digest: bytes | None


def estimate(origin: Connection) -> Cost:
    """What carrying them costs, even if each differs.

    The size is that of the whole catalog table, dead objects included.
    """
    row = origin.execute(
        "SELECT (SELECT count(*) FROM pg_largeobject_metadata), pg_table_size('pg_largeobject')"
    ).fetchone()
    assert row is not None
    count, size = row
    if not count:
        return NONE
    return Cost(count * _SECONDS_EACH + size / _BYTES_A_SECOND, size, count)


def carry(origin: Connection, end: Connection) -> int:
    """Make the large objects of `end` those of `origin`; how many were made, changed or removed.

    Called before the pause too, it leaves little to carry in it, though all is hashed again.
    """
    wanted = [row[0] for row in origin.execute(_OIDS)]
    there = [row[0] for row in end.execute(_OIDS)]
    gone = sorted(set(there) - set(wanted))
    for begin in range(0, len(gone), BATCH):
        batch = gone[begin : begin + BATCH]
        end.execute("SELECT lo_unlink(o) FROM unnest(%s::oid[]) AS o", (batch,))
    changed = len(gone)
    for begin in range(0, len(wanted), BATCH):
        batch = wanted[begin : begin + BATCH]
        known = _describe(end, batch)
        for one in _describe(origin, batch).values():
            former = known.get(one.oid)
            if former != one:
                _bring(origin, end, one, former)
                changed += 1
    return changed


def _describe(connection: Connection, oids: Sequence[int]) -> dict[int, Described]:
    parameters = {"chunk": CHUNK, "mode": _READ_MODE, "oids": list(oids)}
    return {
        oid: Described(oid, owner, tuple(tuple(item) for item in acl), comment, size, digest)
        for oid, owner, acl, comment, size, digest in connection.execute(_DESCRIBE, parameters)
    }


def _bring(
    origin: Connection, end: Connection, wanted: Described, former: Described | None
) -> None:
    with end.transaction():
        if former is None or (former.size, former.digest) != (wanted.size, wanted.digest):
            _write(origin, end, wanted, former)
        if former is None or former.owner != wanted.owner:
            end.execute(
                sql.SQL("ALTER LARGE OBJECT {} OWNER TO {}").format(
                    wanted.oid, sql.Identifier(wanted.owner)
                )
            )
        if former is None or (former.acl, former.owner) != (wanted.acl, wanted.owner):
            _grant(end, wanted)
        if (former.comment if former else None) != wanted.comment:
            end.execute(
                sql.SQL("COMMENT ON LARGE OBJECT {} IS {}").format(wanted.oid, wanted.comment)
            )


def _write(
    origin: Connection, end: Connection, wanted: Described, former: Described | None
) -> None:
    # In place: another role's object could be changed but not made again under its number.
    if former is None:
        end.execute("SELECT lo_create(%s::oid)", (wanted.oid,))
    elif former.size > wanted.size:
        end.execute(
            "SELECT lo_truncate64(lo_open(%s::oid, %s), %s)", (wanted.oid, 0x60000, wanted.size)
        )
    for offset in range(0, wanted.size, CHUNK):
        row = origin.execute(
            "SELECT lo_get(%s::oid, %s, %s)", (wanted.oid, offset, CHUNK), binary=True
        ).fetchone()
        assert row is not None
        end.execute("SELECT lo_put(%s::oid, %s, %b)", (wanted.oid, offset, row[0]))


def _grant(end: Connection, wanted: Described) -> None:
    """Take all privileges that anyone has, then give those wanted."""
    present = _describe(end, [wanted.oid])[wanted.oid]
    for grantee in {grantee for grantee, _, _ in present.acl}:
        end.execute(
            sql.SQL("REVOKE ALL ON LARGE OBJECT {} FROM {} CASCADE").format(
                wanted.oid, grantees.identifier(grantee)
            )
        )
    for grantee, privilege, grantable in wanted.acl:
        end.execute(
            sql.SQL("GRANT {} ON LARGE OBJECT {} TO {}{}").format(
                sql.SQL(privilege),
                wanted.oid,
                grantees.identifier(grantee),
                sql.SQL(" WITH GRANT OPTION" if grantable == "true" else ""),
            )
        )
