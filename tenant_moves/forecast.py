"""What a move will take, for whoever is asked whether to begin it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from database_moves.database import Database
from database_moves.preflight.checks.sizes import COPY_BYTES

if TYPE_CHECKING:
    from database_moves.options import MoveOptions
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Platform

COUNTED = 10_000
"""Objects are counted up to here: a person wants to know whether they are many."""

_SIZE = """
SELECT pg_database_size(current_database()),
       (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND n.nspname !~ '^(pg_|information_schema|patchworks_moves)')
"""


@dataclass(frozen=True)
class Forecast:
    """Sizes of what moves, and limits of what its users may notice."""

    database_bytes: int
    tables: int
    objects: int
    object_bytes: int
    more_objects: bool
    """Whether there are more than were counted."""
    max_pause: float
    """Seconds that writes may wait."""

    @property
    def copy_seconds(self) -> float:
        """How long copying the database may take."""
        return self.database_bytes / COPY_BYTES

    def lines(self) -> list[tuple[str, str]]:
        """The forecast for people."""
        most = "more than " if self.more_objects else ""
        objects = f"{most}{self.objects:,}, {self.object_bytes / 1e6:,.1f} MB"
        minutes = max(1, round(self.copy_seconds / 60))
        return [
            ("Database", f"{self.database_bytes / 1e6:,.1f} MB in {self.tables} tables"),
            ("Objects", objects),
            ("Copying", f"some {minutes} min; the tenant is served as always meanwhile"),
            ("Pause", f"writes wait for at most {self.max_pause:g} s, or all is undone"),
            ("Way back", "`rollback` until `finish`, with every write made since"),
        ]


def forecast(platform: Platform, plan: Plan, options: MoveOptions) -> Forecast:
    """Look at what moves; nothing is changed."""
    exports = platform.exports(plan.tenant)
    dsn = platform.mover_dsn(exports.database(plan.source))
    with Database(dsn, "source").session("forecast") as session:
        row = session.execute(_SIZE).fetchone()
    assert row is not None
    count = size = 0
    if plan.source.cell != plan.target.cell:
        cell = platform.catalog.cells[plan.source.cell]
        s3 = platform.aws.client("s3", cell.account, cell.region)
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=exports.slice(plan.source).bucket
        )
        for page in pages:
            found = page.get("Contents", ())
            count += len(found)
            size += sum(item["Size"] for item in found)
            if count >= COUNTED:
                break
    return Forecast(row[0], row[1], count, size, count >= COUNTED, options.max_pause)
