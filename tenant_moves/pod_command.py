"""A command that runs in a pod, with its input and output, by the API's WebSocket protocol.

Each message begins with the number of its channel. Source: Kubernetes,
`staging/src/k8s.io/apimachinery/pkg/util/remotecommand/constants.go`.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from database_moves.poolers.pooler import PoolerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.typing import Subprotocol

    from tenant_moves.cluster import Cluster

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR = range(4)
OPEN_SECONDS = 10.0
LONGEST_COMPLAINT = 500
"""Characters of what a command says in its error output that are passed on."""


class PodCommand:
    """One command in one container, until `close`; the API then ends it."""

    def __init__(
        self, cluster: Cluster, namespace: str, pod: str, container: str, command: Sequence[str]
    ) -> None:
        """Raises `PoolerUnreachableError`, and `MoveError` where the API refuses."""
        self._open = contextlib.ExitStack()
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
        try:
            self._socket = self._open.enter_context(
                connect(
                    f"wss{url.removeprefix('https')}{path}",
                    ssl=authorities,
                    subprotocols=protocols,
                    additional_headers={"Authorization": f"Bearer {cluster.token()}"},
                    open_timeout=OPEN_SECONDS,
                    close_timeout=1,
                    compression=None,
                    max_size=None,
                    proxy=None,
                )
            )
        except InvalidStatus as error:
            raise cluster.refused(
                error.response.status_code, bytes(error.response.body or b"")
            ) from None
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise PoolerUnreachableError(
                f"no command can be run in the pod {pod}: {error or type(error).__name__}"
            ) from None
        self._pod = pod
        self._complaint = ""

    def write(self, text: str) -> None:
        """Give the command some input."""
        try:
            self._socket.send(bytes([STDIN]) + text.encode())
        except ConnectionClosed:
            # What it said before it ended is there to be read still.
            while self.read(time.monotonic()) is not None:
                pass
            raise self._ended() from None

    def read(self, deadline: float) -> bytes | None:
        """The next piece of its output; None when none has come by then (monotonic seconds).

        Raises `PoolerUnreachableError` where it has ended.
        """
        while True:
            try:
                message = self._socket.recv(timeout=max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return None
            except ConnectionClosed:
                raise self._ended() from None
            piece = message.encode() if isinstance(message, str) else message
            channel, content = piece[:1], piece[1:]
            if channel == bytes([STDOUT]) and content:
                return content
            if channel == bytes([STDERR]):
                said = self._complaint + content.decode(errors="replace")
                self._complaint = said[-LONGEST_COMPLAINT:]
            if channel == bytes([ERROR]):
                self._complaint = self._complaint or _status(content)
                raise self._ended()

    def close(self) -> None:
        """End it."""
        self._open.close()

    def _ended(self) -> PoolerUnreachableError:
        said = " ".join(self._complaint.split()) or "the connection was lost"
        return PoolerUnreachableError(f"the command in the pod {self._pod} ended: {said}")


def _status(content: bytes) -> str:
    try:
        return str(json.loads(content).get("message", ""))
    except (ValueError, AttributeError):
        return ""
