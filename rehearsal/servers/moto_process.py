"""Serves moto on a free loopback port and records which; started by `rehearsal.servers.moto`."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import traceback
import uuid
from collections import OrderedDict
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from rehearsal.attempts import TOKEN_HEADER
from rehearsal.garbage import search_seldom
from rehearsal.servers import moto_conditions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication


REMEMBERED = 500
"""Answers that are kept for repeated calls: no operation makes nearly as many."""


class Remembering:
    """Answers a call that carries a known token as it was answered before, if it was not refused.

    See `rehearsal.attempts`.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._answers: OrderedDict[str, tuple[str, list[tuple[str, str]], bytes]] = OrderedDict()

    def __call__(self, environ: dict[str, Any], respond: Any) -> Iterable[bytes]:
        """Answer one request."""
        token = environ.get("HTTP_" + TOKEN_HEADER.upper().replace("-", "_"))
        if token is None:
            return self._application(environ, respond)
        if token not in self._answers:
            response = Response.from_app(self._application, environ)
            answer = (response.status, response.headers.to_wsgi_list(), response.get_data())
            if response.status_code >= HTTPStatus.BAD_REQUEST:
                respond(*answer[:2])
                return [answer[2]]
            self._answers[token] = answer
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        status, headers, body = self._answers[token]
        respond(status, headers)
        return [body]


class OneAtATime:
    """Hands requests to moto one by one, and answers what moto does not implement with 501.

    moto's models are plain dictionaries: two requests at once can break one another. Python runs
    them one at a time anyway, so nothing is lost by waiting.
    """

    def __init__(self) -> None:
        self._application = Remembering(DomainDispatcherApplication(create_backend_app))
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
    moto_conditions.mend()
    # Nearly all that moto makes stays, and to look for garbage in it takes a fifth of its time.
    gc.freeze()
    search_seldom()
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
