"""The indexes and keys of tables that are small enough to get them with their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from database_moves.schema import indexes, statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from database_moves.schema.archive import Archive


@dataclass(frozen=True)
class Build:
    """What builds indexes and keys of one table, and how that is recorded when it is run."""

    statements: bytes
    keys: tuple[str, ...]
    """As `restoring.record` takes them: `build_indexes` passes over what was recorded."""


def builds(archive: Archive) -> Mapping[tuple[str, str], Build]:
    """The builds of every table that has any, by schema and name.

    An index that may read other tables is not among them: their rows may come later.
    """
    return {
        table: Build(
            "".join(statements.text(entry, archive) for entry in entries).encode(
                "utf-8", "surrogateescape"
            ),
            tuple(entry.key for entry in entries),
        )
        for table, entries in indexes.apart(archive).items()
    }
