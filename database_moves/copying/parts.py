"""What is copied in one go: a range of a big table's pages, or some small tables together."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from database_moves.schema.along import Build

SMALLEST_PART = 16 * 1024**2
"""Bytes; below this a part's own cost (two sessions' transactions, a commit) begins to show."""

PARTS_A_JOB = 4
"""So many parts keep all jobs busy to the end, when some parts turn out slower than others."""

BATCH_TABLES = 100
"""Tables in one transaction at most: each holds locks on the target until it ends."""

BATCH_OBJECTS = 400
"""Tables and their indexes in one transaction at most: the same, where a table has many."""

BUILT_BYTES = 8 * 1024**2
"""Up to this size a table's indexes are built by the session that has just written its rows: they
are in its caches still, and nobody else waits for them. Those of a larger one are built side by
side, when all rows are there."""

FROZEN_BYTES = 4 * 1024**2
"""From this size on a table's rows are written frozen, which its own transaction must truncate it
for. That costs 2 ms, and spares a tenth of the time to write the rows (measured, 2026-11)."""


@dataclass(frozen=True)
class Measured:
    """A table and its size on the source after the snapshot was taken."""

    schema: str
    name: str
    columns: tuple[str, ...]
    """Without generated ones."""
    binary: bool
    pages: int
    """Of the heap."""
    bytes: int
    """With TOAST."""
    filenode: int
    """Another one later means that rows are no longer on the pages they were on."""


@dataclass(frozen=True)
class Part:
    """Pages `first` up to but not including `end` of a table; the last part has no end."""

    table: Measured
    number: int
    of: int
    first: int
    end: int | None
    bytes: int
    build: Build | None = None
    """The table's indexes, which its own transaction builds."""

    @property
    def whole(self) -> bool:
        """Whether it is the table's only part."""
        return self.of == 1

    @property
    def frozen(self) -> bool:
        """Whether its rows need no VACUUM later."""
        return self.whole and self.bytes >= FROZEN_BYTES


Task = tuple[Part, ...]
"""Parts that are copied in one transaction: one of several, or some whole tables."""


def plan(
    tables: Sequence[Measured],
    *,
    part_bytes: int,
    jobs: int,
    builds: Mapping[tuple[str, str], Build] = MappingProxyType({}),
) -> tuple[Task, ...]:
    """Every page of every table in exactly one task, the largest tasks first.

    Tables without pages are left out. `part_bytes` is the most a part should have; where all is
    small, parts are smaller, so that every job has some. `builds` has, by schema and name, what
    builds the indexes of tables; small ones get them with their rows.
    """
    total = sum(table.bytes for table in tables)
    size = max(1, min(part_bytes, max(SMALLEST_PART, total // (jobs * PARTS_A_JOB))))
    single: list[Part] = []
    tasks: list[Task] = []
    for table in tables:
        if table.pages == 0:
            continue
        parts = _split(table, size)
        if len(parts) == 1:
            build = builds.get((table.schema, table.name)) if table.bytes < BUILT_BYTES else None
            single.append(replace(parts[0], build=build))
        else:
            tasks += [(part,) for part in parts]
    tasks += _batches(single, min(size, SMALLEST_PART))
    return tuple(sorted(tasks, key=lambda task: -sum(part.bytes for part in task)))


def _split(table: Measured, size: int) -> list[Part]:
    # Without columns no query can tell the rows of one part from those of another.
    count = max(1, min(-(-table.bytes // size), table.pages)) if table.columns else 1
    step = -(-table.pages // count)
    firsts = range(0, table.pages, step)
    return [
        Part(
            table=table,
            number=number,
            of=len(firsts),
            first=first,
            end=None if number == len(firsts) else first + step,
            bytes=table.bytes * min(step, table.pages - first) // table.pages,
        )
        for number, first in enumerate(firsts, start=1)
    ]


def _batches(parts: Iterable[Part], size: int) -> list[Task]:
    batches: list[Task] = []
    batch: deque[Part] = deque()
    room = objects = 0
    for part in sorted(parts, key=lambda part: -part.bytes):
        made = 1 + (0 if part.build is None else len(part.build.keys))
        full = len(batch) == BATCH_TABLES or objects + made > BATCH_OBJECTS
        if batch and (part.bytes > room or full):
            batches.append(tuple(batch))
            batch.clear()
        if not batch:
            room, objects = size, 0
        batch.append(part)
        room -= part.bytes
        objects += made
    if batch:
        batches.append(tuple(batch))
    return batches
