"""Starts `patchworks` from a process that has imported it, which saves a second of each start.

What is started is a process of its own in every way but its command line: its own session and
environment, killed by its own number. `Forks` is the test's end; run as a program this is the
other.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

ROOT = Path(__file__).parents[3]

_NUMBER = struct.Struct("!i")


class Forked:
    """A started process, with what `subprocess.Popen` has of one."""

    def __init__(self, connection: socket.socket, stdout: int, stderr: int) -> None:
        self._connection = connection
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self.stderr: IO[bytes] = os.fdopen(stderr, "rb")
        self.returncode: int | None = None
        self.pid = self._number()

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code when it has ended; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("patchworks", timeout or 0)
            self.returncode = os.waitstatus_to_exitcode(self._number())
            self._connection.close()
        return self.returncode

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            # It may have ended just now, and not been told of yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _number(self) -> int:
        data = self._connection.recv(_NUMBER.size, socket.MSG_WAITALL)
        (number,) = _NUMBER.unpack(data)
        return int(number)


class Forks:
    """The process that forks; use it as a context."""

    def __init__(self, directory: Path) -> None:
        self._path = str(directory / "forks")

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._path],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Forked:
        """Start `patchworks` with these arguments and this environment, and no other."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._path)
        output, errors = os.pipe(), os.pipe()
        request = json.dumps({"arguments": list(arguments), "environment": dict(environment)})
        data = request.encode()
        socket.send_fds(connection, [struct.pack("!I", len(data))], [output[1], errors[1]])
        connection.sendall(data)
        for end in (output[1], errors[1]):
            os.close(end)
        return Forked(connection, output[0], errors[0])


def _serve(path: str) -> None:
    import scripts.database_running
    import scripts.database_showing
    import scripts.database_status
    import scripts.main  # noqa: F401 - imported so that no child has to

    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(16)
    # Those who wait for each child are waited for by nobody.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        connection, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _attend(connection)
        connection.close()


def _attend(connection: socket.socket) -> None:
    head, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
    (size,) = struct.unpack("!I", head)
    request = json.loads(connection.recv(size, socket.MSG_WAITALL))
    child = os.fork()
    if child == 0:
        connection.close()
        _become(request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(_NUMBER.pack(child))
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        connection.sendall(_NUMBER.pack(status))
    os._exit(0)


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    from scripts.main import main

    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, *descriptors)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # Those of before know of another file, which could be sought in.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for good
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["patchworks", *request["arguments"]]
    code: Any = 1
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve(sys.argv[1])
