"""Checks that PostgreSQL's own programs are at hand, which write and read the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.registry import check
from database_moves.preflight.verdicts import Finding, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation


@check("programs.dump", fine="pg_dump and pg_restore are new enough", needs=("source",))
def dump(situation: Situation) -> Iterator[Finding]:
    """A pg_dump older than the server it reads refuses to."""
    from database_moves.errors import MoveError
    from database_moves.schema import programs

    try:
        programs.find(situation.source.major)
    except MoveError as error:
        yield refused(error.message, error.remedy)
