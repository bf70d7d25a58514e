"""Processes that begin at once: forked from one that has imported everything and has one thread.

A new interpreter spends a second on imports, which is as long as a small move's other work. A
process with several threads must not fork what is to decide who serves: a lock that another thread
held would be held for ever. So a mover that can forks a nursery before it starts any thread, and
the nursery forks for it; where there is none, programs are started as such.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from typing import IO, TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE_BYTES = 4096


class Forked:
    """A process of the nursery, as `subprocess.Popen` has its own."""

    def __init__(self, pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None
        # Until it is reaped, nobody else gets its id.
        self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code when it has ended; raises `subprocess.TimeoutExpired`."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and self._has_ended(timeout):
            os.close(self._handle)
            self.returncode = _reaped(self.pid)
        return self.returncode

    def _has_ended(self, timeout: float | None) -> bool:
        ending = select.poll()
        ending.register(self._handle, select.POLLIN)
        return bool(ending.poll(None if timeout is None else timeout * 1000))


class _Line:
    """The mover's end of the line to its nursery."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._one = threading.Lock()

    def ask(self, request: tuple[object, ...], handles: Sequence[int] = ()) -> int:
        """One number for one request; raises `OSError` where the nursery is gone."""
        with self._one:
            socket.send_fds(self._line, [pickle.dumps(request)], handles)
            answer = self._line.recv(MESSAGE_BYTES)
        if not answer:
            raise ConnectionResetError("the nursery is gone")
        return int(answer)


_lines: list[_Line] = []


def begin() -> None:
    """Fork a nursery, which ends with this process; before it starts any thread."""
    if not hasattr(os, "pidfd_open"):
        return
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    mover = os.getpid()
    if os.fork() == 0:
        ours.close()
        _serve(its, mover)
    its.close()
    _lines[:] = [_Line(ours)]


def start(program: str, stderr: int) -> Forked | None:
    """Have `module:function` run, which is given the mover's id; None where there is no nursery."""
    if not _lines:
        return None
    stdin, to_stdin = os.pipe()
    from_stdout, stdout = os.pipe()
    try:
        pid = _lines[0].ask(("start", program), (stdin, stdout, stderr))
    except OSError:
        os.close(to_stdin)
        os.close(from_stdout)
        return None
    finally:
        os.close(stdin)
        os.close(stdout)
    return Forked(pid, os.fdopen(to_stdin, "wb"), os.fdopen(from_stdout, "rb"))


def _reaped(pid: int) -> int:
    try:
        return _lines[0].ask(("reap", pid))
    except OSError:
        # With the nursery gone its children are the init process's to reap.
        return -signal.SIGKILL


def _serve(line: socket.socket, mover: int) -> NoReturn:
    """The nursery itself."""
    _close_all_but(line.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        message, handles, _, _ = socket.recv_fds(line, MESSAGE_BYTES, 3)
        if not message:
            os._exit(0)
        what, about = pickle.loads(message)  # noqa: S301 - from the process that forked this one
        if what == "reap":
            answer = os.waitstatus_to_exitcode(os.waitpid(about, 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                line.close()
                _run(about, handles, mover)
            for handle in handles:
                os.close(handle)
        line.send(str(answer).encode())


def _run(program: str, handles: Sequence[int], mover: int) -> NoReturn:
    """A child of the nursery, with pipes of its own."""
    for number, handle in enumerate(handles):
        os.dup2(handle, number)
    _close_all_but()
    sys.stdin, sys.stdout, sys.stderr = (
        open(0, closefd=False),  # noqa: SIM115 - as long as the process
        open(1, "w", closefd=False),  # noqa: SIM115
        open(2, "w", closefd=False, buffering=1),  # noqa: SIM115
    )
    os.setsid()
    module, _, function = program.partition(":")
    code = 1
    try:
        code = getattr(importlib.import_module(module), function)(mover) or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _close_all_but(kept: int = 2) -> None:
    """Close what is the mover's: whoever reads its pipes must see their end when it dies."""
    os.closerange(3, kept)
    os.closerange(max(kept + 1, 3), os.sysconf("SC_OPEN_MAX"))
