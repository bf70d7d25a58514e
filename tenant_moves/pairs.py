"""Which objects of two buckets are known to be equal, kept on this machine; losing it costs time.

An ETag changes with every write of an object, whatever it is encrypted with, so a pair of ETags
that was once found equal says that the two objects are equal as long as both have those.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Tags = tuple[str, str]
"""The ETags of an object in the move's source and in its target."""


class Pairs:
    """The pairs of one move's buckets."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = file
        with self._session() as session:
            session.execute(
                "CREATE TABLE IF NOT EXISTS pair (key TEXT PRIMARY KEY, source TEXT, target TEXT)"
            )

    def read(self) -> dict[str, Tags]:
        """All of them, by the object's key."""
        with self._session() as session:
            rows = session.execute("SELECT key, source, target FROM pair").fetchall()
        return {key: (source, target) for key, source, target in rows}

    def add(self, pairs: Iterable[tuple[str, Tags]]) -> None:
        """Keep new pairs in place of older ones."""
        with self._session() as session:
            session.executemany(
                "INSERT OR REPLACE INTO pair VALUES (?, ?, ?)",
                ((key, source, target) for key, (source, target) in pairs),
            )

    @contextlib.contextmanager
    def _session(self) -> Iterator[sqlite3.Connection]:
        session = sqlite3.connect(self._file, timeout=30)
        try:
            with session:
                yield session
        finally:
            session.close()
