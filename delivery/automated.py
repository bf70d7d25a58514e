"""Runs an automated check of the checklist, and keeps what it said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from delivery.records import CheckResult

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from delivery.checklist import AutomatedCheck

KEPT_CHARACTERS = 4000
"""Of what a check printed: its end, where the verdict is."""
OWN = "patchworks"


def run_check(
    name: str,
    check: AutomatedCheck,
    *,
    root: Path,
    told: Mapping[str, str],
    run: str,
) -> CheckResult:
    """Run a check's program in the checkout; `told` is added to its environment.

    A program that can't be started, or takes too long, has failed.
    """
    began = time.monotonic()
    command = [sys.executable, "-m", "scripts.main"] if check.run[0] == OWN else [check.run[0]]
    try:
        process = subprocess.Popen(  # noqa: S603 - the program that the reviewed checklist names
            [*command, *check.run[1:]],
            cwd=root,
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        said, code = f"{check.run[0]} can't be started: {error.strerror}", 127
    else:
        said, code = _wait(process, check.minutes * 60.0)
    return CheckResult(
        name=name,
        passed=code == 0,
        exit_code=code,
        seconds=round(time.monotonic() - began, 3),
        said=said.strip()[-KEPT_CHARACTERS:],
        at=datetime.now(UTC),
        run=run,
    )


def _wait(process: subprocess.Popen[str], seconds: float) -> tuple[str, int]:
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _kill(process)
        said, _ = process.communicate()
        return f"{said}\nnot done after {seconds / 60:.0f} minutes", 124
    except BaseException:
        _kill(process)
        raise
    return said, process.returncode


def _kill(process: subprocess.Popen[str]) -> None:
    """End the program and all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
