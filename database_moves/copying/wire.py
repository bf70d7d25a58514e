"""Passes COPY data from one server's socket to the other's as it comes, below libpq.

A row travels as a `d` message that is the same in both directions: letter, length, payload. Here
only the letters and lengths are looked at, and payloads go from one buffer to the other socket in
large pieces, whatever the size of a row. libpq would take every row apart and build it again,
which costs more than all the rest of a client.

Why nothing can go missing unseen:
- libpq is idle on both connections before and after: this reads exactly from the first byte of
  the answer to its own query up to ReadyForQuery, and libpq reads none of it.
- Bytes are passed on only within a message whose header said `d`. The source's end (CopyDone,
  CommandComplete, ReadyForQuery) must come in this order and whole before the target is told that
  the data are complete; until then the target can only roll back.
- Both servers count their rows, and the numbers must be equal.
- Anything else that comes (an error, an end of the connection, an unknown letter) raises, and the
  caller closes both connections, whose state nobody knows any more.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import TYPE_CHECKING, NoReturn

import psycopg
from psycopg import errors
from psycopg.pq import DiagnosticField

from database_moves.copying.rows import DATA, HEADER, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg.pq.abc import PGconn, PGresult

BUFFER_BYTES = 256 * 1024
"""Larger ones gained nothing (measured on loopback, 2026-11)."""

STALLED_SECONDS = 900.0
"""A target that takes nothing for so long is taken for lost; its kernel would say so as late."""

MESSAGE_BYTES = 1024 * 1024
"""No message that may come besides rows is larger, other than from a stream misread."""

_ASYNCHRONOUS = frozenset(b"NSA")
"""Notices, changed parameters and notifications may come at any time and mean nothing here."""


def usable(connection: PGconn) -> bool:
    """Whether the socket carries plain protocol; an encrypted one is readable by libpq alone."""
    return not connection.ssl_in_use and not connection.used_gssapi


def copy(
    source: PGconn, target: PGconn, read: bytes, write: bytes, passed: Callable[[int], None]
) -> tuple[int, int]:
    """Run COPY TO on one connection into COPY FROM on the other; rows and bytes that went.

    Both must be in a transaction. `passed` is told the bytes of each piece and may sleep. After an
    error neither connection may be used. Raises `psycopg.Error` as the servers would.
    """
    with _socket(source) as reading, _socket(target) as writing:
        destination = _Destination(writing)
        destination.begin(write)
        origin = _Origin(reading)
        origin.send(_query(read))
        origin.expect(b"H")
        size = 0
        for piece in origin.pieces():
            destination.put(piece)
            size += len(piece)
            passed(len(piece))
        rows = destination.complete()
        if rows != origin.counted:
            raise psycopg.OperationalError(
                f"the source sent {origin.counted} rows, the target took {rows}"
            )
        return rows, size


@contextlib.contextmanager
def _socket(connection: PGconn) -> Iterator[socket.socket]:
    duplicate = socket.socket(fileno=os.dup(connection.socket))
    # A time-out makes Python wait by itself; the socket stays non-blocking, as libpq has it.
    duplicate.settimeout(STALLED_SECONDS)
    with duplicate:
        yield duplicate


def _query(statement: bytes) -> bytes:
    return b"Q" + struct.pack(">I", len(statement) + 5) + statement + b"\0"


class _Peer:
    """One end's messages, read into a buffer from `start` up to `end`."""

    name = ""

    def __init__(self, peer: socket.socket) -> None:
        self._socket = peer
        self.buffer = bytearray(BUFFER_BYTES)
        self.view = memoryview(self.buffer)
        self.start = 0
        self.end = 0

    def send(self, data: bytes | memoryview) -> None:
        """Send all of it, or raise when nothing at all goes any more."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._socket.send(rest) :]
        except OSError as error:
            raise psycopg.OperationalError(f"the {self.name} was lost: {error}") from error

    def receive(self) -> None:
        """Read more after `end`, moving what is unread to the front when there is little room."""
        if self.start == self.end:
            self.start = self.end = 0
        elif self.end + 64 > len(self.buffer):
            rest = bytes(self.view[self.start : self.end])
            if len(rest) + 64 > len(self.buffer):
                raise psycopg.OperationalError(f"the {self.name} sent a message out of bounds")
            self.view[: len(rest)] = rest
            self.start, self.end = 0, len(rest)
        while True:
            try:
                size = self._socket.recv_into(self.view[self.end :])
            except TimeoutError:
                # A server may be silent for as long as it likes; keepalives find a dead one.
                continue
            except OSError as error:
                raise psycopg.OperationalError(f"the {self.name} was lost: {error}") from error
            break
        if size == 0:
            raise psycopg.OperationalError(f"the {self.name} closed the connection")
        self.end += size

    def message(self) -> tuple[int, bytes]:
        """The next message other than asynchronous ones; raises the error if it is one."""
        while True:
            while self.end - self.start < 5:
                self.receive()
            kind, length = HEADER(self.buffer, self.start)
            if not 4 <= length <= MESSAGE_BYTES:
                self._misread(kind)
            body = self._take(length + 1)[5:]
            if kind == ord("E"):
                raise _error(body)
            if kind not in _ASYNCHRONOUS:
                return kind, body

    def expect(self, letter: bytes) -> bytes:
        """The body of the next message, which must be of this kind."""
        kind, body = self.message()
        if kind != letter[0]:
            self._misread(kind)
        return body

    def rows(self) -> int:
        """The end of a COPY: the number of rows the server counted, still in a transaction."""
        tag = self.expect(b"C").rstrip(b"\0").split()
        if len(tag) != 2 or tag[0] != b"COPY" or self.expect(b"Z") != b"T":
            raise psycopg.OperationalError(f"the {self.name} ended a COPY as none ends")
        return int(tag[1])

    def take_asynchronous(self) -> None:
        """Pass over a message that means nothing here."""
        while self.end - self.start < 5:
            self.receive()
        self._take(HEADER(self.buffer, self.start)[1] + 1)

    def _take(self, size: int) -> bytes:
        taken = bytearray()
        while len(taken) < size:
            if self.start == self.end:
                self.receive()
            upto = min(self.end, self.start + size - len(taken))
            taken += self.view[self.start : upto]
            self.start = upto
        return bytes(taken)

    def _misread(self, kind: int) -> NoReturn:
        raise psycopg.OperationalError(
            f"the {self.name} sent message {chr(kind)!r} where the protocol has none"
        )


class _Origin(_Peer):
    """The source's end of a COPY."""

    name = "source"
    counted = -1

    def pieces(self) -> Iterator[memoryview]:
        """Whole messages with rows, in pieces as they come; valid until the next is asked for."""
        buffer = self.buffer
        rows = Rows()
        owed = 0
        while True:
            position, kind = rows.passed(buffer, self.start + owed, self.end)
            upto = min(position, self.end)
            owed = position - upto
            if upto > self.start:
                yield self.view[self.start : upto]
                self.start = upto
            if kind == DATA:
                self.receive()
            elif self._finished():
                return

    def _finished(self) -> bool:
        """Read a message other than a row: whether it ended the COPY."""
        if self.buffer[self.start] in _ASYNCHRONOUS:
            self.take_asynchronous()
            return False
        self.expect(b"c")
        self.counted = self.rows()
        return True


class _Destination(_Peer):
    """The target's end of a COPY."""

    name = "target"

    def begin(self, statement: bytes) -> None:
        """Ask for the COPY."""
        self.send(_query(statement))
        self.expect(b"G")

    def put(self, rows: memoryview) -> None:
        """Send rows, unless the target has said that it takes no more."""
        self.send(rows)
        self._socket.settimeout(0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError as error:
            raise psycopg.OperationalError(f"the target was lost: {error}") from error
        finally:
            self._socket.settimeout(STALLED_SECONDS)
        self.receive()
        while self.start < self.end:
            if self.buffer[self.start] in _ASYNCHRONOUS:
                self.take_asynchronous()
            else:
                # Before the end it says nothing else but an error, which this raises.
                self._misread(self.message()[0])

    def complete(self) -> int:
        """Say that the rows are complete; how many the target took."""
        self.send(b"c\0\0\0\4")
        return self.rows()


def raised(result: PGresult | None) -> psycopg.Error:
    """The error in a result of libpq, without the values that its detail may show."""
    if result is None:
        return psycopg.OperationalError("the connection was lost")
    state = result.error_field(DiagnosticField.SQLSTATE) or b""
    primary = result.error_field(DiagnosticField.MESSAGE_PRIMARY) or result.error_message
    return _of_state(state.decode(), primary.decode(errors="replace").strip())


def _error(body: bytes) -> psycopg.Error:
    fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0")}
    return _of_state(fields.get(b"C", ""), fields.get(b"M", "an error without a message"))


def _of_state(state: str, message: str) -> psycopg.Error:
    try:
        return errors.lookup(state)(message)
    except KeyError:
        return psycopg.OperationalError(message)
