"""Evaluates one commit's stacks with that commit's own code: what a plan starts for each side.

Run as a script, in a process of its own, told what to do by lines of JSON on standard input and
answering by frames: a line of JSON that says how many bytes follow, and those bytes. Nothing of
this project but the commit's checkout can be imported; `planning` here is none of the commit's.
"""

from __future__ import annotations

import gc
import hashlib
import hmac
import json
import os
import sys
import sysconfig
import traceback
from functools import partial
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent))
# They lie beside this file.
import lazy_sdks  # type: ignore[import-not-found]
import preparation  # type: ignore[import-not-found]
from confinement import confine, end_with_parent  # type: ignore[import-not-found]
from stack_digests import StackDigests  # type: ignore[import-not-found]

MOST_ERRORS = 25
"""Stacks that may fail before the rest is left alone: they fail for the same reason."""
_APART = frozenset({"urn", "source", "dependencies", "property_dependencies"})


class Answers:
    """Frames on a pipe to the plan."""

    def __init__(self, pipe: int) -> None:
        self._out: BinaryIO = os.fdopen(pipe, "wb")

    def close(self) -> None:
        """Leave the pipe to another process."""
        self._out.close()

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Send one frame."""
        self._out.write(json.dumps({**header, "bytes": len(body)}).encode() + b"\n" + body)
        self._out.flush()


class Encoding:
    """Graphs as lines of text that compare as the graphs do; secrets as keyed digests."""

    def __init__(self, marker: str, key: bytes, accepted: Any = ()) -> None:
        self._marker = marker
        self._key = key
        self._accepted = accepted
        self._encoder = json.JSONEncoder(sort_keys=True, default=self._marked)

    def graph(self, graph: Any) -> tuple[bytes, str]:
        """A line a resource, then what is accepted in the stack, and the exports; their digest.

        A line has the URN, the source, the numbers of the resources it waits for, and the rest,
        between tabs.
        """
        numbers = {urn: number for number, urn in enumerate(graph.resources)}
        lines = []
        for urn, each in graph.resources.items():
            rest = {
                name: value
                for name in each.__slots__
                if name not in _APART and (value := getattr(each, name))
            }
            source = str(each.source) if each.source is not None else ""
            # By number: URNs are long, and a resource has many.
            waits = [numbers.get(each, each) for each in each.dependencies]
            by_property = {
                name: [numbers.get(each, each) for each in urns]
                for name, urns in each.property_dependencies.items()
            }
            edges = json.dumps([waits, by_property])
            lines.append("\t".join((json.dumps(urn), json.dumps(source), edges, self.text(rest))))
        accepted = [each for each in self._accepted if each.is_for(graph.stack)]
        lines.append(self.text([each.model_dump(mode="json") for each in accepted]))
        exports = self.text(dict(graph.exports))
        lines.append(exports)
        return "\n".join(lines).encode(), hashlib.sha256(exports.encode()).hexdigest()

    def text(self, value: Any) -> str:
        """A value as one line of JSON, with keys in order."""
        return self._encoder.encode(value)

    def _marked(self, value: Any) -> Any:
        kind = type(value).__name__
        match kind:
            case "Secret":
                text = json.dumps(value.value, sort_keys=True, default=self._plain)
                digest = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
                return {self._marker: ["secret", digest]}
            case "Unknown":
                return {self._marker: ["unknown"]}
            case "Reference":
                return {self._marker: ["reference", value.urn, value.id]}
            case _:
                return dict(value)

    def _plain(self, value: Any) -> Any:
        return value.value if type(value).__name__ == "Secret" else self._marked(value)


def main() -> None:
    """Serve the plan until it closes standard input."""
    scratch, programs, *catalogs = map(Path, sys.argv[1].split("\n"))
    lines = [(int(asked), Answers(int(answered))) for asked, answered in _pairs(sys.argv[2:])]
    # The commit's code has neither standard input nor output.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    # The SDKs make millions of objects that stay, which the collector would go through many times,
    # for a second in all. What does not stay is made in workers that end.
    gc.disable()
    # What reads the programs' packages is this interpreter's, and nothing else may be read.
    libraries = [sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib")]
    readable = [
        *map(Path, (*libraries, sys.prefix, sys.base_prefix, "/usr/lib", "/lib", "/lib64")),
        *map(Path, ("/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/null")),
        *map(Path, ("/usr/share/zoneinfo", "/sys/devices/system/cpu", "/proc/self", "/proc/stat")),
        *(programs, *catalogs),
    ]
    roots = tuple(str(Path(each)) for each in {*libraries, sysconfig.get_paths()["platlib"]})
    sys.path[:] = [str(programs), *(p for p in sys.path[1:] if p.startswith(roots))]
    for name in ("confinement", "lazy_sdks", "preparation", "stack_digests"):
        sys.modules.pop(name, None)
    lazy_sdks.install()
    os.chdir(scratch)
    holds = confine(readable, scratch)
    for _, answers in lines:
        answers.send({"holds": holds})
    preparation.import_libraries()
    if not os.read(lines[0][0], 1):
        return  # The plan is gone, before it had written the files.
    invalidate_caches()
    preparation.import_reader()
    sides = [
        Serving(programs, reading, asked, answers)
        for reading, (asked, answers) in zip(
            preparation.readings(catalogs, partial(told, programs)), lines, strict=True
        )
    ]
    preparation.import_programs(programs)
    # Each side has a process of its own from here on, and is told nothing of the other.
    mine = sides[0]
    for side in sides[1:]:
        if os.fork() == 0:
            end_with_parent()
            mine = side
            break
    for side in sides:
        if side is not mine:
            side.leave()
    mine.run()


def _pairs(arguments: list[str]) -> list[tuple[str, str]]:
    return list(zip(arguments[::2], arguments[1::2], strict=True))


class Serving:
    """One side of a plan: the commit's catalog once loaded, and the questions on it."""

    def __init__(self, programs: Path, reading: Any, asked: int, answers: Answers) -> None:
        self._programs = programs
        self._asked = asked
        self._answers = answers
        self._reading = reading
        self._catalog: Any = None
        self._ledger: dict[str, Any] = {}
        self._evaluation: Any = None
        """Has what was exported, which those evaluated later refer to."""

    def leave(self) -> None:
        """Have no part in the side, which another process serves."""
        self._reading.drop()
        self._answers.close()
        os.close(self._asked)

    def run(self) -> None:
        """Answer every question; what goes wrong with the commit's code is an answer too."""
        for line in os.fdopen(self._asked, encoding="utf-8"):
            question = json.loads(line)
            try:
                getattr(self, question.pop("ask"))(**question)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                self._answers.send({"error": told(self._programs, error)})

    def load(self) -> None:
        """Load the catalog; says its faults, or its stacks and where its tenants are placed."""
        self._catalog, faults = self._reading.result()
        if self._catalog is None:
            self._answers.send({"faults": faults})
            return
        from stacks.programs import stack_names

        placements = {
            name: tenant.placement.model_dump(mode="json")
            for name, tenant in self._catalog.tenants.items()
        }
        cells = sorted(self._catalog.cells)
        self._answers.send(
            {"stacks": stack_names(self._catalog), "placements": placements, "cells": cells}
        )

    def part(self, tenants: list[str]) -> None:
        """The catalog as JSON, cut down to some tenants, with every cell."""
        wanted = set(tenants)
        some = {name: each for name, each in self._catalog.tenants.items() if name in wanted}
        part = self._catalog.model_copy(update={"tenants": some})
        self._answers.send({"part": len(some)}, part.model_dump_json().encode())

    def digests(self, ledger: dict[str, Any], code: dict[str, str]) -> None:
        """A digest of each stack's own part of the catalog and code, and what it refers to."""
        from stacks.programs import stack_names

        digests = StackDigests(self._catalog, ledger, code)
        self._ledger = digests.ledger
        found = {
            stack: [digests.of(stack), digests.references(stack)]
            for stack in stack_names(self._catalog)
        }
        self._answers.send({"digests": found})

    def evaluate(self, stacks: list[str], jobs: int, marker: str, key: str) -> None:
        """A frame for each stack, in their order: its graph, or why there is none."""
        from rehearsal import parallel
        from rehearsal.errors import ProgramError
        from rehearsal.evaluation import Evaluation

        # Before workers are forked, which would each import them and the SDKs anew.
        for kind in dict.fromkeys(stack.partition(".")[0] for stack in stacks):
            import_module(f"stacks.{kind}")
        # An older commit's catalog knows nothing of it.
        accepted = getattr(self._catalog.organization, "suppressions", ())
        encode = Encoding(marker, bytes.fromhex(key), accepted).graph
        waiting = list(stacks)
        if self._evaluation is None:
            self._evaluation = Evaluation(self._catalog, self._ledger)
        try:
            if hasattr(parallel, "evaluate_all"):
                found = parallel.evaluate_all(self._evaluation, stacks, encode, jobs=jobs)
            else:
                # An older commit's, which evaluates anew what others refer to.
                found = parallel.evaluate_many(
                    self._catalog, stacks, encode, ledger=self._ledger, jobs=jobs
                )
            for stack, (body, exports) in found:
                self._answers.send({"stack": stack, "exports": exports}, body)
                waiting.remove(stack)
        except (ProgramError, LookupError, RuntimeError):
            # One by one, so that each stack that can be evaluated is, and each fault is said.
            errors = 0
            for stack in list(waiting):
                if errors >= MOST_ERRORS:
                    self._answers.send({"stack": stack, "left": True})
                    continue
                try:
                    body, exports = encode(self._evaluation.evaluate(stack))
                except Exception as error:
                    errors += 1
                    self._answers.send({"stack": stack, "error": told(self._programs, error)})
                else:
                    self._answers.send({"stack": stack, "exports": exports}, body)
        modules = (getattr(each, "__file__", None) or "" for each in list(sys.modules.values()))
        inside = f"{self._programs}/"
        loaded = [name.removeprefix(inside) for name in modules if name.startswith(inside)]
        self._answers.send({"evaluated": len(stacks), "modules": sorted(loaded)})


def told(programs: Path, error: BaseException) -> dict[str, Any]:
    """An error as a reader needs it; the place is the innermost line of the commit's own."""
    if isinstance(error, preparation.ToldError):
        return dict(error.told)
    source = getattr(error, "source", None)
    place = str(source) if source is not None else ""
    inside = f"{programs}/"
    if not place:
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if frame.filename.startswith(inside):
                place = f"{frame.filename.removeprefix(inside)}:{frame.lineno}"
                break
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(inside):
        place = f"{(error.filename or '').removeprefix(inside)}:{error.lineno}"
    problem = getattr(error, "problem", None)
    if problem is None:
        problem = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    stack = getattr(error, "stack", "")
    return {
        "stack": stack if isinstance(stack, str) else "",
        "place": place,
        "problem": str(problem).replace(inside, "")[:4000],
        "remedy": str(getattr(error, "remedy", "") or "")[:1000],
    }


if __name__ == "__main__":
    main()
