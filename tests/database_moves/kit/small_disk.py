"""A disk that is too small for a database: a real one where this machine lets it be mounted."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from rehearsal.servers.postgresql_installation import Account

if TYPE_CHECKING:
    from made import Made

    from kit.servers import Servers

MIB = 1024**2
_SPACE = "too_small"


class Tablespace:
    """A file system of its own that holds all of one database but its log."""

    said = "No space left on device"
    """What the server says of it."""
    remedy = "make room on"
    """What the move says of it."""

    def __init__(self, made: Made, room: int) -> None:
        # Where the server's user may go, which may not be where the tests are.
        self._directory = Path(tempfile.mkdtemp(prefix="patchworks-disk-"))
        self._made = made
        with psycopg.connect(made.server.superuser_dsn, autocommit=True) as connection:
            size = connection.execute("SELECT pg_database_size(%s)", (made.name,)).fetchone()
            assert size is not None
            if not _mount(self._directory, f"size={int(str(size[0])) + room + 2 * MIB}"):
                self._directory.rmdir()
                raise PermissionError("this machine mounts nothing")
            Account.current().own(self._directory)
            name, space = sql.Identifier(made.name), sql.Identifier(_SPACE)
            for statement in (
                sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(space, str(self._directory)),
                sql.SQL("ALTER DATABASE {} SET TABLESPACE {}").format(name, space),
            ):
                connection.execute(statement)

    def grow(self) -> None:
        """Make room."""
        assert _mount(self._directory, "remount,size=500m")

    def close(self) -> None:
        """Take it away, once the database is dropped."""
        with psycopg.connect(self._made.server.superuser_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(_SPACE)))
        subprocess.run(["umount", str(self._directory)], check=True)
        self._directory.rmdir()


class FileLimit:
    """No process of the server writes a file beyond a size."""

    said = "File too large"
    remedy = ""

    def __init__(self, own: Servers, major: int, room: int) -> None:
        self._own = own
        self._major = major
        own.limit_files(major, room)

    def grow(self) -> None:
        """Make room."""
        self._own.limit_files(self._major, None)

    close = grow


class SmallDisks:
    """Gives databases small disks, and takes them away when the databases are dropped."""

    def __init__(self, own: Servers) -> None:
        self._own = own
        self._made: list[Tablespace | FileLimit] = []

    def give(self, made: Made, major: int, room: int) -> Tablespace | FileLimit:
        """Give an empty database room for so many bytes more, by what this machine allows."""
        try:
            self._made.append(Tablespace(made, room))
        except PermissionError:
            self._made.append(FileLimit(self._own, major, room))
        return self._made[-1]

    def close(self) -> None:
        """Take all away."""
        for disk in self._made:
            disk.close()


def _mount(directory: Path, options: str) -> bool:
    """Whether it was mounted."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
