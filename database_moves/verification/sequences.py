"""Compares sequences after a swap: none may give a value that was given before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from psycopg import sql

from database_moves import names
from database_moves.inventory import qualified_name
from database_moves.verification.result import Difference
from database_moves.verification.session import Session

if TYPE_CHECKING:
    from database_moves.database import Database

_SEQUENCES = """
SELECT n.nspname, c.relname, s.seqincrement, s.seqcycle
  FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relpersistence <> 't' AND n.nspname <> %s
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                   AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1, 2
"""

_BATCH = 200


class _Sequence(NamedTuple):
    increment: int
    cycles: bool
    last: int
    called: bool

    @property
    def next(self) -> int:
        """The next value, if it does not cycle."""
        return self.last + self.increment if self.called else self.last


def verify_sequences(serving: Database, follower: Database) -> tuple[Difference, ...]:
    """The sequences of the serving side that are missing or behind on the follower.

    Replication does not bring sequences, so this means something only when both sides are fenced
    and the values have been carried. `behind` is what would give a value again; one that is ahead
    is fine, for sequences have gaps anyway. One that cycles has to be at the same place.
    """
    sides = []
    for database in (serving, follower):
        session = Session(database, "verify sequences")
        try:
            sides.append(_read(session))
        finally:
            session.close()
    found = []
    for name, ours in sides[0].items():
        theirs = sides[1].get(name)
        shown = f"sequence {qualified_name(*name)}"
        if theirs is None:
            found.append(Difference(shown, "structure", {}, (), "it is not on the follower"))
        elif _behind(ours, theirs):
            detail = f"next value {theirs.next} on the follower, {ours.next} on the serving side"
            found.append(Difference(shown, "behind", {}, (), detail))
    return tuple(found)


def _behind(ours: _Sequence, theirs: _Sequence) -> bool:
    if ours.cycles:
        return theirs.next != ours.next
    if ours.increment > 0:
        return theirs.next < ours.next
    return theirs.next > ours.next


def _read(session: Session) -> dict[tuple[str, str], _Sequence]:
    known = session.rows(_SEQUENCES, (names.SCHEMA,))
    found: dict[tuple[str, str], _Sequence] = {}
    for at in range(0, len(known), _BATCH):
        batch = known[at : at + _BATCH]
        statement = sql.SQL(" UNION ALL ").join(
            sql.SQL("SELECT {}, last_value, is_called FROM {}").format(
                sql.Literal(n), sql.Identifier(schema, name)
            )
            for n, (schema, name, *_) in enumerate(batch)
        )
        for n, last, called in session.rows(statement):
            schema, name, increment, cycles = batch[n]
            found[schema, name] = _Sequence(increment, cycles, last, called)
    return found
