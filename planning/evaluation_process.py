"""The confined process that runs a commit's code, and the lines on which a plan talks with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planning import commits, confinement
from planning.temporary import TemporaryDirectory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from planning.commits import Blob

LARGEST_FRAME = 256 * 1024 * 1024
"""Bytes of one answer; a stack's graph has some hundred thousand."""
_EVALUATOR = Path(__file__).with_name("evaluator.py")


class NotEvaluatedError(Exception):
    """A side can't be evaluated at all.

    Attributes:
        place: the file and line of the commit's code, where one is to blame.
        problem: what is wrong.
    """

    def __init__(self, problem: str, place: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.place = place
        self.remedy = remedy
        super().__init__(f"{place}: {problem}" if place else problem)


class EvaluationProcess:
    """Programs with one catalog, or with two that they serve apart; `close` leaves nothing."""

    def __init__(self, catalogs: int, *, most: int, timeout: float) -> None:
        """Start the process, which waits for its files and imports the SDKs meanwhile.

        `most` is how many bytes the files will take at the most; `timeout` is in seconds, from
        `limit` on.
        """
        self._timeout = timeout
        self._timed_out = False
        self._temporary = TemporaryDirectory()
        self._directory = self._temporary.path
        self._files = TemporaryDirectory(most)
        self._process: subprocess.Popen[bytes] | None = None
        self._timer = threading.Timer(timeout, self._end)
        self._timer.daemon = True
        self._limiting, self._limited = threading.Lock(), False
        self.lines: list[Line] = []
        try:
            self._start(catalogs)
        except BaseException:
            self.close()
            raise

    def _start(self, catalogs: int) -> None:
        scratch = self._directory / "scratch"
        for directory in (scratch, *self._places(catalogs)):
            directory.mkdir()
        # The interpreter runs isolated: its arguments hold paths that may begin with anything.
        paths = "\n".join(map(str, (scratch, *self._places(catalogs))))
        pipes: list[int] = []
        try:
            for _ in range(catalogs):
                asked, asking = os.pipe()
                pipes.append(asked)
                answering, answered = os.pipe()
                pipes.append(answered)
                self.lines.append(Line(self, asking, answering))
            with (self._directory / "said").open("wb") as said:
                self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and its file
                    [sys.executable, "-I", "-B", str(_EVALUATOR), paths, *map(str, pipes)],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    pass_fds=pipes,
                    env=confinement.scrubbed(scratch),
                    cwd=scratch,
                    start_new_session=True,
                )
        finally:
            for each in pipes:
                os.close(each)

    def _places(self, catalogs: int) -> list[Path]:
        names = ("programs", *(f"catalog-{number}" for number in range(catalogs)))
        return [self._files.path / name for name in names]

    def hand_over(
        self, programs: Mapping[str, Blob], catalogs: Sequence[Mapping[str, Blob]]
    ) -> None:
        """Write the files, by their paths.

        Programs and catalogs lie in directories of their own, so that what reads a catalog's file
        past the loader fails, and never sees another side's.
        """
        own, *theirs = self._places(len(catalogs))
        commits.write(programs, own)
        for catalog, directory in zip(catalogs, theirs, strict=True):
            alike = (catalogs[0], theirs[0]) if catalog is not catalogs[0] else None
            commits.write(catalog, directory, alike=alike)
        self.lines[0].begin()

    def limit(self) -> None:
        """Start the time that it has; twice is no harm."""
        with self._limiting:
            if not self._limited:
                self._limited = True
                self._timer.start()

    def close(self) -> None:
        """End the process and all that it started, and remove its files; twice is no harm."""
        self._timer.cancel()
        self._kill()
        if self._process is not None:
            self._process.wait()
        for line in self.lines:
            line.close()
        self._files.close()
        self._temporary.close()

    def last_words(self) -> str:
        """Why it answers no more, once it is ended."""
        assert self._process is not None
        if self._timed_out:
            return f"the programs had not been evaluated after {self._timeout:.0f} s"
        if len(self.lines) == 1:
            self._kill()
        # Of two lines' processes the second may have ended alone, and the first has its answers.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1 if len(self.lines) > 1 else None)
        code = self._process.returncode
        told = f" with code {code}" if code is not None else ""
        said = (self._directory / "said").read_text(errors="replace").strip()
        last = said.rsplit("\n", 1)[-1][:500]
        return f"the programs ended their evaluation{told}" + (f": {last}" if last else "")

    def _end(self) -> None:
        self._timed_out = True
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


class Line:
    """Questions to one catalog's side of the process, and its answers in their order."""

    def __init__(self, process: EvaluationProcess, asking: int, answering: int) -> None:
        self._process = process
        self._asking = os.fdopen(asking, "wb")
        self._answering = os.fdopen(answering, "rb")

    def close(self) -> None:
        """Close both pipes."""
        for stream in (self._asking, self._answering):
            with suppress(OSError):
                stream.close()

    def ask(self, question: str, **arguments: Any) -> tuple[dict[str, Any], bytes]:
        """Ask, and wait for the one answer.

        Raises:
            NotEvaluatedError: the answer is an error, or there is none.
        """
        self.send(question, **arguments)
        answer, body = self.receive()
        if "error" in answer:
            raise failed(answer)
        return answer, body

    def begin(self) -> None:
        """Say that the files are there."""
        with suppress(BrokenPipeError):
            self._asking.write(b"\n")
            self._asking.flush()

    def send(self, question: str, **arguments: Any) -> None:
        """Ask something that has several answers."""
        with suppress(BrokenPipeError):  # Why it ended is what reading its answer tells.
            self._asking.write(json.dumps({"ask": question, **arguments}).encode() + b"\n")
            self._asking.flush()

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """The next answer.

        Raises:
            NotEvaluatedError: there is none that can be read.
        """
        try:
            header = json.loads(self._answering.readline(16 * 1024 * 1024))
            size = int(header["bytes"])
            if not 0 <= size <= LARGEST_FRAME:
                raise ValueError
            body = self._answering.read(size)
            if len(body) != size:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            raise NotEvaluatedError(self._process.last_words()) from None
        return header, body


def failed(answer: Mapping[str, Any]) -> NotEvaluatedError:
    """The error that an answer tells of."""
    told = answer.get("error") or {}
    return NotEvaluatedError(
        str(told.get("problem", "it gave no answer")),
        str(told.get("place", "")),
        str(told.get("remedy", "")),
    )
