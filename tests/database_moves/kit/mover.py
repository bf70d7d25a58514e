"""The mover as a person runs it: a process, killed where a test wants, that shows no secret."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from database_moves import crash_points
from database_moves.durable import URL_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from kit.forking import Forked, Forks

ROOT = Path(__file__).parents[3]

PATIENCE_SECONDS = 600.0
"""How long a command may take: on a busy machine some ten times what it takes alone."""

MAX_PAUSE = ("--max-pause", "60")
"""What a move is given that is given no limit: the usual one is a moment for a machine that stands
still, and no test is about how long a pause takes."""

SHORTEST_SECRET = 6
"""A shorter one would be found by chance."""


def forms(secret: str) -> frozenset[bytes]:
    """A secret as programs write one: as it is, and as conninfo, SQL, URI, JSON and Python do."""
    texts = {
        secret,
        secret.replace("\\", "\\\\").replace("'", "\\'"),
        secret.replace("'", "''"),
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }
    return frozenset(text.encode() for text in texts)


class SecretShown(AssertionError):  # noqa: N818 - it tells what happened
    """A secret was seen where it must not be; the text tells the place, and not the secret."""


@dataclass(frozen=True)
class Ended:
    """How a mover ended."""

    code: int
    """The exit code; the negative number of the signal that killed it."""
    stdout: str
    stderr: str

    @property
    def killed(self) -> bool:
        """Whether it ended by SIGKILL, as at a crash point."""
        return self.code == -signal.SIGKILL


class Mover:
    """Runs `patchworks` on two databases, and looks for their passwords wherever it writes.

    `state` is where it records its moves. `secrets` are looked for beside the passwords of the two
    connection strings. `environment` adds to what it is given. `program` replaces `patchworks`,
    and `forks` starts it from a process that has it imported. `store` is the URL of a PostgreSQL
    that records the moves in the place of a file in `state`.
    """

    def __init__(
        self,
        source_dsn: str,
        target_dsn: str,
        state: Path,
        *,
        secrets: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "scripts.main"),
        forks: Forks | None = None,
        store: str | None = None,
    ) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self.state = state
        self._program = tuple(program)
        self._forks = forks
        self._option = ("--state", str(state)) if store is None else ()
        passwords = (conninfo_to_dict(dsn).get("password") for dsn in (source_dsn, target_dsn))
        all_secrets = {*secrets, *(str(password) for password in passwords if password)}
        short = [len(secret) for secret in all_secrets if len(secret) < SHORTEST_SECRET]
        assert not short, f"secrets of {short} characters would be found by chance"
        self._forms = {form for secret in all_secrets for form in forms(secret)}
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(state),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "200",
            "PATCHWORKS_SOURCE": source_dsn,
            "PATCHWORKS_TARGET": target_dsn,
            **({} if store is None else {URL_VARIABLE: store}),
            **(environment or {}),
        }

    def run(
        self, *arguments: str, kill_at: str | None = None, timeout: float = PATIENCE_SECONDS
    ) -> Ended:
        """Run a command to its end, or to a crash point; `--state` is added.

        Raises `TimeoutError` where it takes longer, with what it said so far, and `SecretShown`.
        """
        with self.start(*arguments, kill_at=kill_at) as running:
            return running.wait(timeout)

    def start(self, *arguments: str, kill_at: str | None = None) -> Running:
        """Start a command and go on; use it as a context that ends it."""
        environment = dict(self._environment)
        if kill_at is not None:
            environment[crash_points.VARIABLE] = kill_at
        given = [*arguments, *self._option]
        if arguments[:2] == ("database", "move") and MAX_PAUSE[0] not in arguments:
            given += MAX_PAUSE
        process = (
            _started([*self._program, *given], environment)
            if self._forks is None
            else self._forks.start(given, environment)
        )
        return Running(process, self.state, self.look_for_secrets)

    def look_for_secrets(self, place: str, content: bytes) -> None:
        """Raise `SecretShown` where a place's content holds a secret in any form."""
        if any(form in content for form in self._forms):
            raise SecretShown(f"a password is shown in {place}")


class Running:
    """A mover at work."""

    def __init__(
        self,
        process: subprocess.Popen[bytes] | Forked,
        state: Path,
        look: Callable[[str, bytes], None],
    ) -> None:
        self._look = look
        self._state = state
        self._faults: list[SecretShown] = []
        self._output: dict[str, bytearray] = {"output": bytearray(), "errors": bytearray()}
        self._process = process
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=("output", self._process.stdout), daemon=True),
            threading.Thread(target=self._read, args=("errors", self._process.stderr), daemon=True),
        ]
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        for thread in (*self._readers, self._watcher):
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Its programs, such as pg_restore or the guard, are in its session. Once it has ended and
        # they as well, its number may be another session's.
        if self.running or not Path("/proc", str(self.pid)).exists():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        # It may not have had a session yet.
        self._process.kill()
        self._process.wait()
        self._ended.set()
        for thread in (*self._readers, self._watcher):
            thread.join(10)

    @property
    def pid(self) -> int:
        """The mover's own process, not those it started."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return self._process.poll() is None

    @property
    def said(self) -> str:
        """Its output so far."""
        return self._output["output"].decode(errors="replace")

    @property
    def warned(self) -> str:
        """What it said so far beside its output: progress, warnings and errors."""
        return self._output["errors"].decode(errors="replace")

    @property
    def shown(self) -> bool:
        """Whether a secret was seen on a command line so far."""
        return bool(self._faults)

    def kill(self) -> None:
        """SIGKILL to the mover alone: what it started lives on, as after a real crash."""
        self._process.kill()
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, such as SIGSTOP, SIGCONT or SIGINT."""
        self._process.send_signal(number)

    def wait(self, timeout: float = PATIENCE_SECONDS) -> Ended:
        """Wait until it has ended, and see that it has shown no secret anywhere."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            said = b"".join(self._output.values())[-3000:].decode(errors="replace")
            raise TimeoutError(f"not done after {timeout} s: {said}") from None
        self._ended.set()
        self._watcher.join(10)
        for reader in self._readers:
            # A guard that outlives a killed mover may hold the pipes open for its own time.
            reader.join(10)
        for name, content in self._output.items():
            self._look(f"its {name}", bytes(content))
        for file in self._state.rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                if file.is_file():
                    self._look(str(file), file.read_bytes())
        if self._faults:
            raise self._faults[0]
        output, errors = (bytes(text).decode(errors="replace") for text in self._output.values())
        return Ended(code, output, errors)

    def _read(self, name: str, pipe: IO[bytes]) -> None:
        # Unbuffered reads, so that what was said is there at once.
        while chunk := os.read(pipe.fileno(), 65_536):
            self._output[name] += chunk

    def _watch(self) -> None:
        family = {self._process.pid}
        while True:
            _add_descendants(family)
            for process in family:
                with contextlib.suppress(OSError):
                    try:
                        self._look("a command line", Path(f"/proc/{process}/cmdline").read_bytes())
                    except SecretShown as fault:
                        self._faults.append(fault)
            if self._ended.wait(0.1):
                return


def _started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=dict(environment),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # What it starts can be ended with it.
        start_new_session=True,
    )


def _add_descendants(family: set[int]) -> None:
    """Add what descends from known processes; a child of one that has ended stays known."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                # The command's name, in parentheses, may hold anything.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
    grown = True
    while grown:
        found = {process for process, parent in parents.items() if parent in family} - family
        family |= found
        grown = bool(found)
