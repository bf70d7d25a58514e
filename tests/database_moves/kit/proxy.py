"""A network between two servers that can be cut: a TCP proxy on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, TypeVar

from . import ports

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Self

_T = TypeVar("_T")
_CHUNK = 65_536


class CuttingProxy:
    """Passes connections on to an address, until it is told to do worse.

    What it does is changed at any time, for the connections there are as well as for new ones.
    The port stays the same for as long as the proxy lives.
    """

    host = "127.0.0.1"

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._rate: int | None = None
        self._kept = ports.reserved()
        self.port = ports.number(self._kept)
        self.accepted = 0
        """Connections taken so far."""
        self.passed = 0
        """Bytes passed on so far, both ways together."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._flowing = self._run(self._event())
        self.forward()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._refuse())
        self._run(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._kept.close()

    def forward(self) -> None:
        """Pass everything on; what was held back arrives late, as after a real stall."""
        self._rate = None
        self._run(self._forward())

    def drop(self) -> None:
        """Reset all connections there are; new ones are passed on."""
        self._run(self._drop())

    def refuse(self) -> None:
        """Reset all connections, and let nobody connect."""
        self._run(self._refuse())

    def black_hole(self) -> None:
        """Take connections and what is sent, and pass nothing on."""
        self._run(self._hold())

    def throttle(self, bytes_per_second: int) -> None:
        """Pass on so much of each connection in each direction."""
        self._rate = bytes_per_second
        self._run(self._forward())

    @property
    def connections(self) -> int:
        """How many there are now, passed on or held."""
        return len(self._tasks)

    def _run(self, work: Coroutine[object, object, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _event(self) -> asyncio.Event:
        return asyncio.Event()

    async def _forward(self) -> None:
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, self.host, self.port, reuse_address=True
            )

    async def _hold(self) -> None:
        await self._forward()
        self._flowing.clear()

    async def _drop(self) -> None:
        for end in self._ends:
            _reset(end)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._drop()

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.accepted += 1
        ends = [writer]
        self._ends.add(writer)
        try:
            # What the black hole took reaches the server once there is none, if it still lives.
            await self._flowing.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._behind)
            ends.append(far_writer)
            self._ends.add(far_writer)
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for end in ends:
                self._ends.discard(end)
                end.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK if self._rate is None else 4_096):
            if self._rate is not None:
                await asyncio.sleep(len(chunk) / self._rate)
            await self._flowing.wait()
            writer.write(chunk)
            await writer.drain()
            self.passed += len(chunk)
        await self._flowing.wait()
        # One direction has ended; the other may still have something to say.
        if writer.can_write_eof():
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset, as a cut line looks once somebody sends."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()
