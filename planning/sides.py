"""One side of a plan: a commit's files in a private directory, and the process that runs them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from planning import commits, confinement
from planning.code import KINDS, Code

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from planning.commits import Files

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


class CatalogFaultsError(Exception):
    """The side's catalog has faults, each as `patchworks check` says it."""

    def __init__(self, faults: list[dict[str, Any]]) -> None:
        self.faults = faults
        super().__init__(f"the catalog has {len(faults)} fault(s)")


@dataclass(frozen=True, slots=True)
class Keys:
    """What graphs of one run are encoded with: known to both sides, kept nowhere."""

    marker: str = field(default_factory=lambda: f"patchworks-{secrets.token_hex(8)}")
    key: str = field(default_factory=lambda: secrets.token_hex(32))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A side's catalog, as far as a plan needs to know it."""

    stacks: tuple[str, ...]
    placements: Mapping[str, dict[str, Any]]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """What a stack depends on: its own code and part of the catalog, and the stacks it refers to.

    Two stacks of one name with the same `whole` have the same graph. With the same `own` they have,
    where the stacks they refer to export the same.
    """

    own: str
    whole: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A stack's encoded graph, or why there is none."""

    stack: str
    graph: bytes | None
    exports: str = ""
    error: Mapping[str, str] | None = None


class Side:
    """Runs a commit's code; use it as a context manager, which leaves nothing behind."""

    def __init__(self, files: Files, keys: Keys, *, timeout: float) -> None:
        self.files = files
        self.code = Code(files.blobs)
        self.holds: tuple[str, ...] = ()
        self.modules: tuple[str, ...] = ()
        self._keys = keys
        self._timeout = timeout
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None
        self._timed_out = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._process is not None:
            self._kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def load(self) -> Loaded:
        """Write the files, start the process and load the catalog.

        Raises:
            NotEvaluatedError: the commit lacks programs, or they can't be imported.
            CatalogFaultsError: the catalog has faults.
        """
        if self.code.missing:
            raise NotEvaluatedError(
                f"{self.files.title} has no stacks that can be evaluated: "
                f"{', '.join(self.code.missing)} missing"
            )
        self._start()
        answer, _ = self._ask("load")
        if "faults" in answer:
            raise CatalogFaultsError(list(answer["faults"]))
        return Loaded(tuple(answer["stacks"]), answer["placements"], tuple(answer["cells"]))

    def part(self, tenants: Sequence[str]) -> bytes:
        """The side's catalog as JSON, cut down to some tenants, with every cell."""
        _, body = self._ask("part", tenants=list(tenants))
        return body

    def digests(self, ledger: Mapping[str, Any], environment: str) -> dict[str, Digest]:
        """What each stack depends on, where `ledger` says which placement serves a tenant."""
        code = {
            kind: hashlib.sha256(f"{self.code.digest(kind)} {environment}".encode()).hexdigest()
            for kind in KINDS
        }
        answer, _ = self._ask("digests", ledger=dict(ledger), code=code)
        found: dict[str, Digest] = {}
        for stack, (own, references) in answer["digests"].items():
            below = " ".join(found[each].whole for each in references if each in found)
            whole = hashlib.sha256(f"{own} {below}".encode()).hexdigest()
            found[stack] = Digest(own, whole, tuple(references))
        return found

    def evaluate(self, stacks: Sequence[str], jobs: int) -> Iterator[Evaluated]:
        """Each stack's graph, in the order of `stacks`."""
        if not stacks:
            return
        self._send(
            "evaluate",
            stacks=list(stacks),
            jobs=jobs,
            marker=self._keys.marker,
            key=self._keys.key,
        )
        expected = iter(stacks)
        while True:
            answer, body = self._receive()
            if "evaluated" in answer:
                self.modules = tuple(answer["modules"])
                return
            if "stack" not in answer:
                raise _failed(answer)
            stack = next(expected, None)
            if stack is None or answer["stack"] != stack:
                raise NotEvaluatedError("the programs interfere with their own evaluation")
            if answer.get("left"):
                left = {"problem": "not evaluated, since so many others failed", "place": ""}
                yield Evaluated(stack, None, error=left)
            elif "error" in answer:
                yield Evaluated(stack, None, error=answer["error"])
            else:
                yield Evaluated(stack, body, str(answer["exports"]))

    def _start(self) -> None:
        directory = Path(tempfile.mkdtemp(prefix="patchworks-plan-"))
        self._directory = directory
        checkout, scratch = directory / "checkout", directory / "scratch"
        checkout.mkdir()
        scratch.mkdir()
        blobs = self.files.blobs
        needed = {path: blobs[path] for path in self.code.files}
        commits.write(commits.Files(self.files.name, self.files.commit, needed), checkout)
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and this project's file
            [sys.executable, "-I", "-B", str(_EVALUATOR), str(checkout), str(scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(directory / "said").open("wb"),
            env=confinement.scrubbed(scratch),
            cwd=scratch,
            start_new_session=True,
        )
        self._timer = threading.Timer(self._timeout, self._end)
        self._timer.daemon = True
        self._timer.start()
        answer, _ = self._receive()
        self.holds = tuple(answer["holds"])

    def _end(self) -> None:
        self._timed_out = True
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _ask(self, question: str, **arguments: Any) -> tuple[dict[str, Any], bytes]:
        self._send(question, **arguments)
        answer, body = self._receive()
        if "error" in answer:
            raise _failed(answer)
        return answer, body

    def _send(self, question: str, **arguments: Any) -> None:
        stream = self._stream("stdin")
        with suppress(BrokenPipeError):  # Why it ended is what reading its answer tells.
            stream.write(json.dumps({"ask": question, **arguments}).encode() + b"\n")
            stream.flush()

    def _receive(self) -> tuple[dict[str, Any], bytes]:
        stream = self._stream("stdout")
        try:
            header = json.loads(stream.readline(16 * 1024 * 1024))
            size = int(header["bytes"])
            if not 0 <= size <= LARGEST_FRAME:
                raise ValueError
            body = stream.read(size)
            if len(body) != size:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            raise NotEvaluatedError(self._last_words()) from None
        return header, body

    def _last_words(self) -> str:
        assert self._process is not None
        assert self._directory is not None
        if self._timed_out:
            return f"the programs had not been evaluated after {self._timeout:.0f} s"
        self._kill()
        code = self._process.wait()
        said = (self._directory / "said").read_text(errors="replace").strip()
        last = said.rsplit("\n", 1)[-1][:500]
        return f"the programs ended their evaluation with code {code}" + (
            f": {last}" if last else ""
        )

    def _stream(self, name: str) -> IO[bytes]:
        stream = getattr(self._process, name)
        assert stream is not None
        return stream  # type: ignore[no-any-return]  # Popen's streams are typed by attribute only.


def _failed(answer: Mapping[str, Any]) -> NotEvaluatedError:
    told = answer.get("error") or {}
    return NotEvaluatedError(
        str(told.get("problem", "it gave no answer")),
        str(told.get("place", "")),
        str(told.get("remedy", "")),
    )
