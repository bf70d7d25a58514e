"""Reads the table of contents of a pg_dump archive: each statement with what it belongs to.

Statements come from the archive itself, not from the script that pg_restore would print: a script
can't be split safely (a function's body may hold anything), and begins with settings that an older
target does not know. The format is that of `pg_backup_archiver.c`, versions 1.14 to 1.16
(PostgreSQL 12 to 18).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

from database_moves.errors import MoveError

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"PGDMP"
_CUSTOM = 1
_OLDEST, _NEWEST = (1, 14), (1, 16)


class Section(IntEnum):
    """When a statement is to run; comments and grants belong to the section they stand in."""

    NONE = 1
    BEFORE_ROWS = 2
    ROWS = 3
    AFTER_ROWS = 4


@dataclass(frozen=True)
class Entry:
    """One object of the archive: names are raw, `statement` is SQL and may be several."""

    number: int
    catalog: int
    """OID of the system catalog the object is in, on the source; 0 where it is in none."""
    oid: int
    kind: str
    """As pg_dump says, such as `TABLE`, `FK CONSTRAINT` or `ACL`."""
    section: Section
    schema: str
    name: str
    owner: str
    statement: str
    drop: str
    access_method: str
    needs: frozenset[int]

    @cached_property
    def key(self) -> str:
        """The same for the same object with the same definition, whatever archive it is in."""
        parts = (self.kind, self.schema, self.name, self.owner, self.statement)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.schema + '.' if self.schema else ''}{self.name}"


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0
        self.int_size = 4

    def take(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) != count:
            raise MoveError("the schema's archive is cut off", remedy="dump the schema again")
        self._at += count
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def integer(self) -> int:
        negative = self.byte()
        value = int.from_bytes(self.take(self.int_size), "little")
        return -value if negative else value

    def text(self) -> str | None:
        length = self.integer()
        return None if length < 0 else self.take(length).decode("utf-8", "surrogateescape")


def read(path: Path) -> tuple[Entry, ...]:
    """All entries in the order they are to run; raises `MoveError` for another format."""
    reader = _Reader(path.read_bytes())
    if reader.take(5) != _MAGIC:
        raise MoveError(f"{path.name} is no archive of pg_dump", remedy="dump the schema again")
    version = (reader.byte(), reader.byte())
    reader.byte()
    reader.int_size, offset_size, form = reader.byte(), reader.byte(), reader.byte()
    if not _OLDEST <= version <= _NEWEST or form != _CUSTOM:
        raise MoveError(
            f"pg_dump wrote an archive of version {version[0]}.{version[1]}, and versions 1.14 to "
            "1.16 are understood",
            remedy="put a pg_dump of PostgreSQL 18 or older, as old as the source or newer, first "
            "into PATH",
        )
    _ = reader.byte() if version >= (1, 15) else reader.integer()
    for _ in range(7):
        reader.integer()
    for _ in range(3):
        reader.text()
    entries: list[Entry] = []
    section = Section.BEFORE_ROWS
    for _ in range(reader.integer()):
        entry = _entry(reader, version, section)
        reader.take(1 + offset_size)
        section = entry.section
        entries.append(entry)
    return tuple(entries)


def _entry(reader: _Reader, version: tuple[int, int], before: Section) -> Entry:
    number = reader.integer()
    reader.integer()
    catalog, oid = int(reader.text() or 0), int(reader.text() or 0)
    name, kind = reader.text() or "", reader.text() or ""
    section = Section(reader.integer())
    statement, drop, _, schema, _, access_method = (reader.text() or "" for _ in range(6))
    if version >= (1, 16):
        reader.integer()
    owner = reader.text() or ""
    reader.text()
    needs: set[int] = set()
    while (needed := reader.text()) is not None:
        needs.add(int(needed))
    return Entry(
        number=number,
        catalog=catalog,
        oid=oid,
        kind=kind,
        section=before if section is Section.NONE else section,
        schema=schema,
        name=name,
        owner=owner,
        statement=statement,
        drop=drop,
        access_method=access_method,
        needs=frozenset(needs),
    )
