"""PgBouncer's console inside a pod, through one `psql` there: its socket lets nobody else in.

Console and files of the pod are reached through the same process, which is started before a pause,
so that within one nothing has to be started. A line that only this session knows ends each answer.
"""

from __future__ import annotations

import base64
import csv
import io
import secrets
import time
from typing import TYPE_CHECKING, Any

from components.kubernetes.pooler_config import DIRECTORY, PORT
from database_moves.errors import MoveError
from database_moves.poolers.console import ANSWER_SECONDS, CommandError, Console
from database_moves.poolers.pooler import PoolerUnreachableError
from tenant_moves.pod_command import PodCommand

if TYPE_CHECKING:
    from tenant_moves.cluster import Cluster

CONTAINER = "pgbouncer"
CONSOLE = (
    *("psql", "--no-psqlrc", "--quiet", "--csv", "--no-password"),
    *("--host", DIRECTORY, "--port", str(PORT), "--username", "pgbouncer", "pgbouncer"),
)
"""PgBouncer lets its own user id in as `pgbouncer` without a password, by the socket alone."""


class PodConsole(Console):
    """One session at the console of one pod."""

    def __init__(self, cluster: Cluster, namespace: str, pod: str, described: str) -> None:
        self._described = described
        self._mark = f"patchworks-{secrets.token_hex(12)}"
        self._command = PodCommand(cluster, namespace, pod, CONTAINER, CONSOLE)
        self._output = b""
        try:
            self.shell("true")
        except PoolerUnreachableError as error:
            self.close()
            raise PoolerUnreachableError(
                f"{described} can't be spoken to: {error.message}",
                remedy="its image needs psql, and PgBouncer its socket",
            ) from None

    def close(self) -> None:
        """End the session; what it waits for goes on in PgBouncer."""
        self._command.close()

    def send(self, command: str) -> None:
        """Send a command without waiting for its answer."""
        self._command.write(f"{command};\n\\echo {self._mark} :ERROR :'LAST_ERROR_MESSAGE'\n")

    def answer(self, deadline: float) -> list[dict[str, Any]] | None:
        """The answer to what was sent; None when it has not come by then (monotonic seconds)."""
        found = self._until_mark(deadline)
        if found is None:
            return None
        said, ending = found
        failed, _, message = ending.partition(" ")
        if failed == "true":
            raise CommandError(message.strip("'").replace("''", "'"))
        rows = csv.DictReader(io.StringIO(said.decode(errors="surrogateescape")))
        return [{name: value or None for name, value in row.items()} for row in rows]

    def read(self, file: str) -> str:
        """A file of the pod."""
        return base64.b64decode(self.shell(f"base64 {file}")).decode(errors="surrogateescape")

    def write(self, file: str, text: str) -> None:
        """Replace a file of the pod as a whole; it is to hold no secret, as commands are seen."""
        content = base64.b64encode(text.encode(errors="surrogateescape")).decode()
        self.shell(f"echo {content} | base64 -d > {file}.new && mv {file}.new {file}")

    def shell(self, command: str) -> bytes:
        """Run a command of the pod's shell; what it prints.

        Raises `MoveError` where it fails, and `PoolerUnreachableError`.
        """
        self._command.write(f"\\! {{ {command}; }} 2>&1; echo {self._mark} $?\n")
        found = self._until_mark(time.monotonic() + ANSWER_SECONDS)
        if found is None:
            raise PoolerUnreachableError(f"{self._described} has not answered")
        said, code = found
        if code != "0":
            raise MoveError(f"{self._described}: {' '.join(said.decode(errors='replace').split())}")
        return said

    def _until_mark(self, deadline: float) -> tuple[bytes, str] | None:
        """What comes before the line that ends an answer, and the rest of that line."""
        mark = self._mark.encode()
        while True:
            before, marked, after = self._output.partition(mark)
            ending, newline, rest = after.partition(b"\n")
            if marked and newline:
                self._output = rest
                return before, ending.decode(errors="replace").strip()
            piece = self._command.read(deadline)
            if piece is None:
                return None
            self._output += piece
