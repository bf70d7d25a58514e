"""Server processes that outlive the command that started them, and can be told from others' later.

A pidfile names a process by its id, its start time and the machine's boot, so a recycled id is
never taken for the server. The process writes the pidfile itself before it becomes the server:
there is no moment at which a killed command leaves a server behind that no pidfile knows.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# Standard output is the pidfile until the exec, the log after it. `exec` keeps id and start time.
_LAUNCH = (
    f'read -r boot < {BOOT_ID} && read -r stat < "/proc/$$/stat" && '
    'printf "%s %s\\n" "$boot" "$stat" && exec "$@" >&2'
)

BEGIN_SECONDS = 60.0
"""How long a process may take until it has written its pidfile: moments, unless the machine stands
still."""
KILLED_SECONDS = 60.0
"""How long a killed process may take to be gone: it ends what it waits for from the disk."""

# Kept so that a server which dies while its starter lives is reaped and does not look alive.
_children: dict[int, subprocess.Popen[bytes]] = {}


class ServerFailed(RuntimeError):  # noqa: N818 - it tells what happened, as a log line would
    """A server did not start; the text ends with the last lines of its log."""

    def __init__(self, what: str, log: Path) -> None:
        self.log = log
        super().__init__(f"{what}; the last lines of {log}:\n{log_end(log)}")


class Locked(RuntimeError):  # noqa: N818 - it tells what happened, as a log line would
    """Another command holds the lock for longer than was waited."""


@dataclass(frozen=True)
class ServerProcess:
    """A process that was started as a server, alive or not."""

    pid: int
    start_time: int
    """Clock ticks after boot, the 22nd field of `/proc/<pid>/stat`."""
    boot: str
    """The boot that the start time counts from."""

    @property
    def running(self) -> bool:
        """Whether this very process, and not a later one with its id, is alive."""
        child = _children.get(self.pid)
        if child is not None and child.poll() is not None:
            # Another thread may have seen it as well.
            _children.pop(self.pid, None)
        return self.boot == _boot() and _start_time(_stat(self.pid)) == self.start_time

    def stop(self, *, sign: signal.Signals = signal.SIGTERM, timeout: float = 10.0) -> None:
        """Ask the process to end with `sign`, and kill it after `timeout` seconds.

        Returns once it is gone; a process that is gone already is no error.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # The handle pins the process, so nothing is recycled between this check and the signal.
            if not self.running:
                return
            for wanted, patience in ((sign, timeout), (signal.SIGKILL, KILLED_SECONDS)):
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, wanted)
                if select.select([handle], [], [], patience)[0]:
                    break
        finally:
            os.close(handle)
        if self.running:
            raise RuntimeError(f"process {self.pid} is still there after SIGKILL")


def start(
    command: Sequence[str | Path],
    *,
    pidfile: Path,
    log: Path,
    environment: Mapping[str, str],
    directory: Path = Path("/"),
) -> ServerProcess:
    """Start `command` detached from the terminal, in a session of its own.

    It gets exactly `environment`, no standard input, and `log` (appended to, mode 600) as standard
    output and error. Call it with the server's lock held, and after `find(pidfile)` gave nothing.

    It may still be about to fail when this returns: the caller waits until it answers. Raises
    `ServerFailed` when it failed at once.
    """
    with contextlib.ExitStack() as files:
        out = files.enter_context(_private(pidfile, "wb"))
        err = files.enter_context(_private(log, "ab"))
        child = subprocess.Popen(  # noqa: S603 - the command comes from this package
            ["/bin/sh", "-c", _LAUNCH, "server", *map(str, command)],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    _children[child.pid] = child
    deadline = time.monotonic() + BEGIN_SECONDS
    while time.monotonic() < deadline:
        process = find(pidfile)
        if process is not None:
            return process
        if child.poll() is not None:
            break
        time.sleep(0.005)
    # Without its pidfile nobody would know of it.
    child.kill()
    child.wait()
    pidfile.unlink(missing_ok=True)
    raise ServerFailed(f"{command[0]} did not start", log)


def find(pidfile: Path) -> ServerProcess | None:
    """The live process that the pidfile names, or None; what else it may say is left alone."""
    process = read(pidfile)
    return process if process is not None and process.running else None


def read(pidfile: Path) -> ServerProcess | None:
    """What the pidfile says, whether that process lives or not; None where it says nothing."""
    try:
        boot, _, stat = pidfile.read_text().partition(" ")
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    start_time = _start_time(stat)
    return None if start_time is None else ServerProcess(int(stat.split()[0]), start_time, boot)


def of(pid: int) -> ServerProcess | None:
    """The live process that has this id now, whoever started it."""
    start_time = _start_time(_stat(pid))
    return None if start_time is None else ServerProcess(pid, start_time, _boot())


def stop(pidfile: Path, *, sign: signal.Signals = signal.SIGTERM, timeout: float = 10.0) -> bool:
    """Stop the server that the pidfile names, and remove the pidfile; whether one was running."""
    process = find(pidfile)
    if process is not None:
        process.stop(sign=sign, timeout=timeout)
    pidfile.unlink(missing_ok=True)
    return process is not None


@contextlib.contextmanager
def locked(path: Path, *, timeout: float = 300.0) -> Iterator[None]:
    """Hold an exclusive lock between commands; the kernel lets go of it when its holder dies.

    Raises `Locked` after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    with _private(path, "ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Locked(
                        f"{path} is held by another command for over {timeout:.0f} s; "
                        "wait for that command to end, or end it"
                    ) from None
                time.sleep(0.05)
        yield


def free_port(preferred: int | None = None) -> int:
    """A TCP port on loopback that nobody listens on: the preferred one where that is free."""
    for port in (preferred, 0):
        if port is None:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            # As servers do: a port in TIME_WAIT from the server before this one is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no TCP port is free on 127.0.0.1")


def log_end(log: Path, lines: int = 15) -> str:
    """The last lines of a server's log, or a word on why there are none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 16_384))
            tail = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(tail[-lines:]) or "(empty)"


def _private(path: Path, mode: str) -> IO[bytes]:
    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    return open(path, mode, opener=opener)


def _boot() -> str:
    return BOOT_ID.read_text().strip()


def _stat(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _start_time(stat: str) -> int | None:
    """The start time in a line of `/proc/<pid>/stat`; None for a zombie and for other text."""
    # The command's name, in parentheses, may hold anything; the fields are counted after it.
    fields = stat.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in "ZX" or not fields[19].isdigit():
        return None
    return int(fields[19])
