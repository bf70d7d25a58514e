"""Writes the last dump of an old database: whole and readable, or not there."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

from database_moves import control, names
from database_moves.errors import MoveError, RefusedError
from database_moves.progress import Step
from database_moves.schema import archive, programs

if TYPE_CHECKING:
    from pathlib import Path

    from database_moves.database import Database
    from database_moves.progress import Progress

_NOTE = "last dump"

_LOOK_SECONDS = 0.5


def check(file: Path, *, fresh: bool) -> None:
    """Raise `RefusedError` where the dump could not be written, before anything is ended for it.

    `fresh` is whether no earlier run can have written it.
    """
    if fresh and file.exists():
        raise RefusedError(f"{file} exists already", remedy="name another file for the dump")
    if not os.access(file.parent, os.W_OK | os.X_OK) or not file.parent.is_dir():
        raise RefusedError(
            f"the last dump can't be written to {file.parent}, which is no directory that this "
            "user may write to",
            remedy="name a file in a directory that is there and has room",
        )


def dump(old: Database, file: Path, progress: Progress) -> int:
    """Dump a database that nobody writes to, in pg_dump's custom format; the file's bytes.

    Done again, it finds the dump that it made. Raises `RefusedError` where the file is another's,
    and `MoveError` where pg_dump fails or pg_restore can't read what it wrote.
    """
    with old.session("finish") as connection:
        found = programs.find(connection.info.server_version // 10000).pg_dump
        made = control.recall(connection, _NOTE)
    if file.exists():
        if made == [str(file), file.stat().st_size]:
            return file.stat().st_size
        raise RefusedError(f"{file} exists already", remedy="name another file for the dump")
    part = file.with_name(f"{file.name}.part")
    try:
        _write(found, old, part, progress)
        count = _listed(found.with_name("pg_restore"), part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    size = part.stat().st_size
    with old.session("finish") as connection:
        control.remember(connection, _NOTE, [str(file), size])
    part.rename(file)
    progress(Step("dump", size, size, "bytes", f"{count} entries"))
    return size


def _write(program: Path, old: Database, part: Path, progress: Progress) -> None:
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise MoveError(
            f"the last dump can't be written to {part.parent}: {error.strerror}",
            remedy="name a file in a directory that is there and has room",
        ) from error
    with os.fdopen(descriptor, "wb") as written:
        process = subprocess.Popen(  # noqa: S603 - a fixed command without a shell
            [program, "--format=custom", "--no-password", f"--exclude-schema={names.SCHEMA}"],
            env=archive.environment(old),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.PIPE,
        )
        try:
            said = _wait(process, part, progress)
        except BaseException:
            process.kill()
            process.wait()
            raise
        os.fsync(written.fileno())
    if process.returncode != 0:
        last = archive.without_secrets(said.decode(errors="replace").strip(), old)
        raise MoveError(f"the last dump of {old.address} failed: {last}")


def _wait(process: subprocess.Popen[bytes], part: Path, progress: Progress) -> bytes:
    began = time.monotonic()
    while True:
        try:
            return process.communicate(timeout=_LOOK_SECONDS)[1]
        except subprocess.TimeoutExpired:
            seconds = time.monotonic() - began
            progress(Step("dump", part.stat().st_size, None, "bytes", f"for {seconds:.0f} s"))


def _listed(program: Path, part: Path) -> int:
    """How many entries pg_restore finds in the dump; raises `MoveError` where it can't read it."""
    ended = subprocess.run(  # noqa: S603 - a fixed command without a shell
        [program, "--list", part],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode != 0:
        raise MoveError(f"pg_restore can't read the last dump: {ended.stderr.strip()}")
    return sum(bool(line) and not line.startswith(";") for line in ended.stdout.splitlines())
