"""A command that runs in a pod, with its input and output, by the API's WebSocket protocol.

Each message begins with the number of its channel. Source: Kubernetes,
`staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go`.

One thread reads and writes: a client that reads in a thread of its own may lose what is written
while TLS takes in the server's session tickets, and can't be closed while it waits for the rest.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidState, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from database_moves.poolers.pooler import PoolerUnreachableError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from websockets.http11 import Request
    from websockets.typing import Subprotocol

    from tenant_moves.cluster import Cluster

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR = range(4)
MESSAGES = (Opcode.BINARY, Opcode.TEXT, Opcode.CONT)
OPEN_SECONDS = 30.0
ANSWER_SECONDS = 30.0
"""How long the API may take to begin a command, once it is connected to."""
WRITE_SECONDS = 30.0
PIECE_BYTES = 65536
LONGEST_COMPLAINT = 500
"""Characters of what a command says in its error output that are passed on."""


class PodCommand:
    """One command in one container, until `close`; the API then ends it."""

    def __init__(
        self, cluster: Cluster, namespace: str, pod: str, container: str, command: Sequence[str]
    ) -> None:
        """Raises `PoolerUnreachableError`, and `MoveError` where the API refuses."""
        self._pod = pod
        self._complaint = ""
        self._message = b""
        self._pieces: list[bytes] = []
        self._over = False
        url, authorities = cluster.address()
        query = urlencode(
            [
                ("container", container),
                *(("command", word) for word in command),
                *((stream, "true") for stream in ("stdin", "stdout", "stderr")),
            ]
        )
        path = f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(pod)}/exec?{query}"
        protocols: list[Subprotocol] = [*PROTOCOLS]  # type: ignore[list-item] # a NewType of str
        self._protocol = ClientProtocol(
            parse_uri(f"wss{url.removeprefix('https')}{path}"),
            subprotocols=protocols,
            max_size=None,
        )
        request = self._protocol.connect()
        request.headers["Authorization"] = f"Bearer {cluster.token()}"
        try:
            self._wire = _connected(url, authorities)
            try:
                self._open(request)
            except BaseException:
                self._wire.close()
                raise
        except InvalidStatus as error:
            raise cluster.refused(
                error.response.status_code, bytes(error.response.body or b"")
            ) from None
        except (OSError, InvalidHandshake) as error:
            raise PoolerUnreachableError(
                f"no command can be run in the pod {pod}: {error or type(error).__name__}"
            ) from None

    def write(self, text: str) -> None:
        """Give the command some input."""
        try:
            self._protocol.send_binary(bytes([STDIN]) + text.encode())
            self._flush()
        except (OSError, InvalidState):
            # What it said before it ended is there to be read still.
            while self.read(time.monotonic()) is not None:
                pass
            raise self._ended() from None

    def read(self, deadline: float) -> bytes | None:
        """The next piece of its output; None when none has come by then (monotonic seconds).

        Raises `PoolerUnreachableError` where it has ended.
        """
        while not self._pieces:
            if self._over:
                raise self._ended()
            try:
                if not self._receive(deadline):
                    return None
            except OSError:
                self._over = True
        return self._pieces.pop(0)

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError, InvalidState):
            self._protocol.send_close()
            self._flush()
        self._wire.close()

    def _open(self, request: Request) -> None:
        """The opening handshake; raises `InvalidHandshake` and `OSError`."""
        deadline = time.monotonic() + ANSWER_SECONDS
        self._protocol.send_request(request)
        self._flush()
        while self._protocol.handshake_exc is None:
            if not self._receive(deadline):
                raise TimeoutError("the handshake was not answered")
            if self._protocol.state is State.OPEN:
                return
        raise self._protocol.handshake_exc

    def _receive(self, deadline: float) -> bool:
        """Take in what has come by then, at once where something waits; whether anything has."""
        self._wire.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = self._wire.recv(PIECE_BYTES)
        except TimeoutError:
            return False
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in MESSAGES:
                self._message += bytes(event.data)
                if event.fin:
                    message, self._message = self._message, b""
                    self._take(message[:1], message[1:])
        # Answers to pings.
        self._flush()
        if not data and self._protocol.handshake_exc is None:
            raise ConnectionResetError("the connection was lost")
        return True

    def _take(self, channel: bytes, content: bytes) -> None:
        if channel == bytes([STDOUT]) and content:
            self._pieces.append(content)
        elif channel == bytes([STDERR]):
            said = self._complaint + content.decode(errors="replace")
            self._complaint = said[-LONGEST_COMPLAINT:]
        elif channel == bytes([ERROR]):
            self._complaint = self._complaint or _status(content)
            self._over = True

    def _flush(self) -> None:
        self._wire.settimeout(WRITE_SECONDS)
        for piece in self._protocol.data_to_send():
            if piece:
                self._wire.sendall(piece)

    def _ended(self) -> PoolerUnreachableError:
        said = " ".join(self._complaint.split()) or "the connection was lost"
        return PoolerUnreachableError(f"the command in the pod {self._pod} ended: {said}")


def _connected(url: str, authorities: ssl.SSLContext) -> ssl.SSLSocket:
    parts = urlsplit(url)
    plain = socket.create_connection((parts.hostname, parts.port or 443), OPEN_SECONDS)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return authorities.wrap_socket(plain, server_hostname=parts.hostname)
    except BaseException:
        plain.close()
        raise


def _status(content: bytes) -> str:
    try:
        return str(json.loads(content).get("message", ""))
    except (ValueError, AttributeError):
        return ""
