"""`patchworks database move` as a person runs it: a process of its own, two connection strings."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.memory import PeakMemory

if TYPE_CHECKING:
    from benchmarks.move.bed import Bed

JOBS = 2
"""Of every contestant, on a machine with two cores."""

COPIED = "constraints"
"""The step after which rows, indexes and constraints are there; statistics come later."""


@dataclass(frozen=True)
class Moved:
    """What one move took, in seconds since its process was started."""

    copied: float
    """Until rows, indexes and constraints were there."""
    verified: float
    """Until the target followed, every row was compared, and the process had ended."""
    steps: dict[str, float]
    memory: float
    """MiB of the mover's processes together, at most."""


def move(bed: Bed, name: str, *options: str) -> Moved:
    """Move a database up to where it could cut over: preflight, copy, follow, verify."""
    began = time.time()
    process = start(bed, name, "move", "--cutover=manual", f"--jobs={JOBS}", "--json", *options)
    memory = PeakMemory(process.pid)
    output, errors = process.communicate()
    ended = time.time()
    peak = memory.stop()
    if process.returncode:
        raise SystemExit(f"the move failed: {errors}\n{output}")
    steps = {step["name"]: step for step in json.loads(output)["steps"]}
    seconds = {"preflight": _moment(steps["prepare"]["began"]) - began} | {
        step: _moment(record["ended"]) - _moment(record["began"]) for step, record in steps.items()
    }
    return Moved(_moment(steps[COPIED]["ended"]) - began, ended - began, seconds, peak)


def withdraw(bed: Bed, name: str) -> None:
    """Give the move up and forget it, so that another of its name can begin."""
    command(bed, name, "abort")
    shutil.rmtree(_state(bed, name))


def command(
    bed: Bed, name: str, verb: str, *options: str, pooler: str | None = None
) -> dict[str, Any]:
    """Run a command of a move to its end; what it says of the move."""
    process = start(bed, name, verb, "--json", *options, pooler=pooler)
    output, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"{verb} failed: {errors}\n{output}")
    said: dict[str, Any] = json.loads(output)
    return said


def start(
    bed: Bed, name: str, verb: str, *options: str, pooler: str | None = None
) -> subprocess.Popen[str]:
    """Start a command of a move; `pooler` is the DSN of PgBouncer's console."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "scripts.main", "database", verb, name),
            *(f"--state={_state(bed, name)}", *options),
        ],
        cwd=Path(__file__).parents[2],
        env={
            "PATH": f"{bed.programs}:/usr/bin:/bin",
            "HOME": str(bed.directory),
            "PATCHWORKS_SOURCE": bed.database("source", name).dsn,
            "PATCHWORKS_TARGET": bed.database("target", name).dsn,
            **({} if pooler is None else {"PATCHWORKS_POOLER": pooler}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _state(bed: Bed, name: str) -> Path:
    return bed.directory / "moves" / name


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
