"""One side of a plan: a commit's files, and what the process that runs them says of its stacks."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from planning.code import KINDS, Code
from planning.commits import size_of
from planning.evaluation_process import EvaluationProcess, NotEvaluatedError, failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from planning.commits import Files
    from planning.evaluation_process import Line


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
        self._process: EvaluationProcess | None = None
        self._line: Line | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.close()

    def start(self, other: Side | None = None) -> None:
        """Start the process, which serves another side of the same programs as well."""
        sides = [self] if other is None else [self, other]
        process = EvaluationProcess(
            len(sides),
            most=size_of(*(side.files.blobs for side in sides)),
            timeout=self._timeout,
        )
        for side, line in zip(sides, process.lines, strict=True):
            side._process, side._line = process, line
        process.hand_over(self.code.programs, [side.code.catalog for side in sides])

    def load(self) -> Loaded:
        """Start the process where it is not started, and load the catalog.

        Raises:
            NotEvaluatedError: the commit lacks programs, or they can't be imported.
            CatalogFaultsError: the catalog has faults.
        """
        if self.code.missing:
            raise NotEvaluatedError(
                f"{self.files.title} has no stacks that can be evaluated: "
                f"{', '.join(self.code.missing)} missing"
            )
        if self._process is None:
            self.start()
        assert self._process is not None
        self._process.limit()
        answer, _ = self._started.receive()
        self.holds = tuple(answer["holds"])
        answer, _ = self._started.ask("load")
        if "faults" in answer:
            raise CatalogFaultsError(list(answer["faults"]))
        return Loaded(tuple(answer["stacks"]), answer["placements"], tuple(answer["cells"]))

    def part(self, tenants: Sequence[str]) -> bytes:
        """The side's catalog as JSON, cut down to some tenants, with every cell."""
        _, body = self._started.ask("part", tenants=list(tenants))
        return body

    def digests(self, ledger: Mapping[str, Any], environment: str) -> dict[str, Digest]:
        """What each stack depends on, where `ledger` says which placement serves a tenant."""
        code = {
            kind: hashlib.sha256(f"{self.code.digest(kind)} {environment}".encode()).hexdigest()
            for kind in KINDS
        }
        answer, _ = self._started.ask("digests", ledger=dict(ledger), code=code)
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
        self._started.send(
            "evaluate",
            stacks=list(stacks),
            jobs=jobs,
            marker=self._keys.marker,
            key=self._keys.key,
        )
        expected = iter(stacks)
        while True:
            answer, body = self._started.receive()
            if "evaluated" in answer:
                self.modules = tuple(answer["modules"])
                return
            if "stack" not in answer:
                raise failed(answer)
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

    @property
    def _started(self) -> Line:
        assert self._line is not None
        return self._line
