"""What plans of before found out, kept in the user's cache directory: plans, and never graphs.

An entry is what a plan says of one stack at two states, or the whole plan, under a digest of all
that it depends on. It has no secret, not even a digest of one: graphs have, so no graph is kept.
Entries are read as data, from a directory that nobody else can write to.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from platform import release
from sys import version
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from planning.document import StackPlan

if TYPE_CHECKING:
    from planning.commits import Files

T = TypeVar("T", bound=BaseModel)

KEPT_DAYS = 2
"""Entries that nobody asked for as long are removed; the day is part of every key."""
_OWN = ("catalog", "planning", "policies", "rehearsal", "requirements-checkov.lock")


class Known(BaseModel):
    """What is known of one stack at two states."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: StackPlan
    same_exports: bool
    """Whether it exports the same at both, so that those who refer to it see no difference."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A directory of entries; one that can't be read or written is as good as none."""

    directory: Path | None

    @classmethod
    def of_user(cls) -> Cache:
        """The user's own; none where others could write into it."""
        base = os.environ.get("XDG_CACHE_HOME")
        root = Path(base) if base else Path.home() / ".cache"
        directory = root / "patchworks" / "plans"
        return cls(directory if _is_private(directory) else None)

    def read(self, key: str, kind: type[T]) -> T | None:
        """The entry of a key; None where there is none that can be read."""
        if self.directory is None:
            return None
        file = self._file(key)
        try:
            found = kind.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            return None
        with suppress(OSError):
            os.utime(file)
        return found

    def write(self, key: str, known: BaseModel) -> None:
        """Keep an entry; whoever reads at that moment gets the old one or the new one."""
        if self.directory is None:
            return
        file = self._file(key)
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=file.parent)
            with os.fdopen(descriptor, "wb") as made:
                made.write(known.model_dump_json().encode())
            Path(name).replace(file)

    def tidy(self) -> None:
        """Remove what nobody asked for in a long time."""
        if self.directory is None:
            return
        oldest = time.time() - KEPT_DAYS * 24 * 3600
        for file in self.directory.glob("*/*"):
            with suppress(OSError):
                if file.stat().st_mtime < oldest:
                    file.unlink()

    def _file(self, key: str) -> Path:
        assert self.directory is not None
        return self.directory / key[:2] / f"{key}.json"


def _is_private(directory: Path) -> bool:
    """Make the directory where it is missing; whether it is this user's alone to write to."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = directory.stat()
    except OSError:
        return False
    return status.st_uid == os.getuid() and not status.st_mode & 0o022


def digest_of(files: Files) -> str:
    """A digest of a side: how a reader knows it, and every file."""
    hashed = hashlib.sha256(key_of(files.name, files.commit).encode())
    for path, blob in sorted(files.blobs.items()):
        content = hashlib.sha256(blob.content).hexdigest()
        hashed.update(f"{len(path)}:{path}".encode(errors="surrogateescape"))
        hashed.update(f"{blob.is_link:d}{content}".encode())
    return hashed.hexdigest()


def key_of(*parts: str | None) -> str:
    """A digest of all parts, none of which can be taken for another."""
    hashed = hashlib.sha256()
    for part in parts:
        text = "-" if part is None else f"+{part}"
        hashed.update(f"{len(text)}:{text}".encode())
    return hashed.hexdigest()


@cache
def environment() -> str:
    """A digest of the kernel, the interpreter and every package that is installed."""
    installed = sorted({f"{each.name}=={each.version}" for each in distributions()})
    return key_of(release(), version, *installed)


@cache
def own_code() -> str:
    """A digest of the code that makes plans, checks included."""
    root = Path(__file__).resolve().parent.parent
    hashed = hashlib.sha256()
    for name in _OWN:
        for file in (root / name, *sorted((root / name).rglob("*"))):
            if file.is_file() and "__pycache__" not in file.parts:
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                hashed.update(f"{file.relative_to(root)}\0{digest}\0".encode())
    return hashed.hexdigest()
