"""Installs checkov, which pins an old boto3, into an environment of its own in the cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements-checkov.lock"
LONGEST_INSTALL = 600
"""Seconds; about 60 with a slow line and an empty cache."""


class CheckovError(Exception):
    """checkov can't be installed or run; the text says what to do."""


def cache() -> Path:
    """Where this user's checkov and what it found are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "patchworks" / "checkov"


def digest() -> str:
    """What the environment is known by: its lock, and the interpreter it is made with."""
    text = LOCK.read_bytes() + sys.version.encode()
    return hashlib.sha256(text).hexdigest()[:16]


def executable() -> Path:
    """checkov's program; installs what the lock pins where the cache lacks it.

    Raises:
        CheckovError: it can't be installed.
    """
    home = cache() / f"environment-{digest()}"
    program = home / "bin" / "checkov"
    if program.exists():
        return program
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            shutil.rmtree(home, ignore_errors=True)
            try:
                _install(home)
            except BaseException:
                # Half an environment would be taken for a whole one.
                shutil.rmtree(home, ignore_errors=True)
                raise
    return program


def _install(home: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    environment = {**os.environ, "VIRTUAL_ENV": str(home), "UV_PYTHON_DOWNLOADS": "never"}
    pinned = ["--require-hashes", "--no-deps", "--requirement", str(LOCK)]
    for command in (
        [str(uv), "venv", "--quiet", "--python", sys.executable, str(home)],
        [str(uv), "pip", "install", "--quiet", *pinned],
    ):
        try:
            subprocess.run(  # noqa: S603 - this project's own uv, and its own lock
                command,
                env=environment,
                check=True,
                capture_output=True,
                text=True,
                timeout=LONGEST_INSTALL,
            )
        except FileNotFoundError:
            raise CheckovError("uv is missing beside this Python; run `make setup`") from None
        except subprocess.TimeoutExpired:
            raise CheckovError(
                f"installing checkov took longer than {LONGEST_INSTALL} s; try again"
            ) from None
        except subprocess.CalledProcessError as error:
            said = (error.stderr or "").strip().splitlines() or ["uv said nothing"]
            raise CheckovError(
                f"checkov can't be installed: {said[-1][:300]}; it needs the network once"
            ) from None
