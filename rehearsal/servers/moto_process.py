"""Serves moto on a free loopback port and records which; started by `rehearsal.servers.moto`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
import uuid
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class OneAtATime:
    """Hands requests to moto one by one, and answers what moto does not implement with 501.

    moto's models are plain dictionaries: two requests at once can break one another. Python runs
    them one at a time anyway, so nothing is lost by waiting.
    """

    def __init__(self) -> None:
        self._application = DomainDispatcherApplication(create_backend_app)
        self._turn = threading.Lock()

    def __call__(self, environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        try:
            with self._turn:
                answer: Iterable[bytes] = self._application(environ, respond)
                return answer
        except Exception as error:
            traceback.print_exc()
            missing = isinstance(error, NotImplementedError)
            status = HTTPStatus.NOT_IMPLEMENTED if missing else HTTPStatus.INTERNAL_SERVER_ERROR
            respond(f"{status.value} {status.phrase}", [("Content-Length", "0")])
            return []


class Handler(MotoRequestHandler):
    """Keeps connections open, and logs only requests that failed."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log a request that was refused."""
        if not str(code).startswith(("2", "3")):
            super().log_request(code, size)


def serve(address: Path) -> None:
    """Serve until ended; `address` gets process id, port and generation once the port is open."""
    server = make_server("127.0.0.1", 0, OneAtATime(), threaded=True, request_handler=Handler)
    # Some of moto's answers hold URLs that lead back to it.
    os.environ["MOTO_PORT"] = str(server.port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    written = address.with_suffix(".new")
    written.write_text(
        json.dumps({"pid": os.getpid(), "port": server.port, "generation": uuid.uuid4().hex})
    )
    written.replace(address)
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
