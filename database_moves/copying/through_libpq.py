"""Passes COPY data through libpq, which alone can read a connection that is encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
from psycopg.pq import ExecStatus

from database_moves.copying.wire import raised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg.pq.abc import PGconn, PGresult

BATCH_BYTES = 64 * 1024
"""Rows are handed over in such pieces: one by one costs twice as much (measured, 2026-11)."""


def copy(
    source: PGconn, target: PGconn, read: bytes, write: bytes, passed: Callable[[int], None]
) -> tuple[int, int]:
    """Run COPY TO on one connection into COPY FROM on the other; rows and bytes that went.

    As `wire.copy`, except that a row must fit into memory.
    """
    # Non-blocking, libpq would let its output grow without bounds instead of waiting.
    target.nonblocking = 0
    try:
        _begun(target.exec_(write), ExecStatus.COPY_IN)
        _begun(source.exec_(read), ExecStatus.COPY_OUT)
        size = 0
        for piece in _pieces(source):
            # Halves of a row may be sent apart, and libpq need not hold a large one twice.
            for begin in range(0, len(piece), BATCH_BYTES):
                target.put_copy_data(piece[begin : begin + BATCH_BYTES])
            size += len(piece)
            passed(len(piece))
        sent = _rows(source)
        target.put_copy_end()
        rows = _rows(target)
    finally:
        target.nonblocking = 1
    if rows != sent:
        raise psycopg.OperationalError(f"the source sent {sent} rows, the target took {rows}")
    return rows, size


def _pieces(source: PGconn) -> Iterator[memoryview]:
    batch: list[memoryview] = []
    size = 0
    while True:
        length, data = source.get_copy_data(0)
        if length < 0:
            break
        if length >= BATCH_BYTES:
            if batch:
                yield memoryview(b"".join(batch))
                batch, size = [], 0
            yield memoryview(data)
            continue
        batch.append(data)
        size += length
        if size >= BATCH_BYTES:
            yield memoryview(b"".join(batch))
            batch, size = [], 0
    if batch:
        yield memoryview(b"".join(batch))


def _begun(result: PGresult, wanted: ExecStatus) -> None:
    if result.status != wanted:
        raise raised(result)


def _rows(connection: PGconn) -> int:
    """The number of rows that the server counted, once it has ended the COPY."""
    rows = -1
    while (result := connection.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            raise raised(result)
        rows = int((result.command_status or b"COPY -1").split()[1])
    return rows
