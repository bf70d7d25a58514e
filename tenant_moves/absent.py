"""The side of a tenant's move that is gone for good: what is left out, and what takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from stacks.lost_side import LostSide

if TYPE_CHECKING:
    from catalog.catalog import Catalog
    from catalog.tenant import Placement
    from database_moves.database import Side
    from tenant_moves.slices import DatabaseAt

ANSWER_SECONDS = 30
"""A server that is only slow must not be taken for one that is gone."""


@dataclass(frozen=True)
class Absent:
    """One side of a move, of which nothing is asked any more."""

    side: Side
    place: Placement
    whole_cell: bool
    """Whether its cell is gone as well: cluster, poolers, bucket and secrets."""
    stays: Placement
    """The side that serves alone from then on."""

    @property
    def cell(self) -> str | None:
        """The cell in which nothing may be asked; None where that is the database alone."""
        return self.place.cell if self.whole_cell else None

    def lost(self, catalog: Catalog) -> LostSide:
        """What stacks have there."""
        return LostSide.of(catalog, self.place, self.stays, whole_cell=self.whole_cell)


def address(at: DatabaseAt) -> str:
    """Where a database was, without a login: who may come in is kept where it is gone, too."""
    return make_conninfo(
        host=at.writer_endpoint,
        port=at.port,
        dbname=at.database,
        connect_timeout=ANSWER_SECONDS,
    )
