"""Tells the program's own lines from those of libraries, and names them as a reader knows them."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from rehearsal.graph import Source

if TYPE_CHECKING:
    import traceback
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent

_REHEARSAL = str(Path(__file__).resolve().parent)
_LIBRARIES = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib"))


@cache
def is_program(filename: str) -> bool:
    """Whether a file belongs to a program: no library, not the interpreter, not the rehearsal."""
    return (
        filename.startswith("/")
        and "/site-packages/" not in filename
        and not filename.startswith(_LIBRARIES)
        and not filename.startswith(_REHEARSAL)
    )


@cache
def relative(filename: str) -> str:
    """The file's path from the repository's root where it lies inside, else its whole path."""
    path = Path(filename)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else filename


def source_of(frames: Iterable[Any]) -> Source | None:
    """The innermost program line of a stack trace as the SDK sends it, innermost frame first."""
    for frame in frames:
        filename = _filename(frame.pc.uri)
        if is_program(filename):
            return Source(relative(filename), frame.pc.line)
    return None


def innermost(frames: traceback.StackSummary) -> Source | None:
    """The innermost program line of a traceback, innermost frame last."""
    for frame in reversed(frames):
        if is_program(frame.filename):
            return Source(relative(frame.filename), frame.lineno or 0)
    return None


@cache
def _filename(uri: str) -> str:
    return unquote(urlparse(uri).path)
