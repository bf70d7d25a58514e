"""Reads the schema of a source: its archive, and the fingerprint that it had at that moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from database_moves.schema import archive, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from database_moves.database import Database
    from database_moves.options import MoveOptions
    from database_moves.schema.archive import Archive
    from database_moves.schema.fingerprint import Fingerprint


@dataclass(frozen=True)
class Read:
    """A schema; the archive is of the same moment only where the fingerprint is the same later."""

    archive: Archive
    fingerprint: Fingerprint


def read(
    source: Database,
    target: Database,
    directory: Path,
    options: MoveOptions,
    stopped: Callable[[], bool] | None = None,
) -> Read:
    """Write the source's schema into a directory, after its fingerprint was taken.

    `stopped` is as `archive.dump` has it, and so is what is raised.
    """
    before = fingerprint.fingerprint(source)
    return Read(write(source, target, directory, options, stopped), before)


def write(
    source: Database,
    target: Database,
    directory: Path,
    options: MoveOptions,
    stopped: Callable[[], bool] | None = None,
) -> Archive:
    """Write the source's schema into a directory, with what a move of these options takes along."""
    return archive.dump(
        source,
        directory,
        target=target,
        owners=options.owners,
        grants=options.grants,
        stopped=stopped,
    )
