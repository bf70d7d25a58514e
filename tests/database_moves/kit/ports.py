"""TCP ports on loopback that stay one's own while nothing listens on them."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


def reserved() -> socket.socket:
    """A socket that keeps a free port until it is closed.

    It never listens, so who connects is refused; and a server that reuses addresses, as all do
    here, may listen there. Nobody else is given the port, also while the server is down.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind((HOST, 0))
    return kept


def number(kept: socket.socket) -> int:
    """The port that a socket keeps."""
    return int(kept.getsockname()[1])
