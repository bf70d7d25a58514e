"""Runs rclone from one bucket to another: many objects at once, copied by S3 itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

TRANSFERS = 16
POLL_SECONDS = 0.2
FAULTS = ("error", "critical", "fatal", "alert", "emergency")
GONE = "api error NoSuchKey"
"""How rclone passes on what S3 says of an object that is gone."""
_LONGEST = 500
"""Characters of what rclone says that are passed on."""


@dataclass(frozen=True)
class Remote:
    """A bucket, and the settings by which rclone reaches it; they may hold credentials."""

    bucket: str
    settings: Mapping[str, str]


def program() -> str:
    """Where rclone is: beside this Python, as its package installs it, or on the path."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise MoveError("rclone is not installed", remedy="run `make setup`")
    return found


def takes(key: str) -> bool:
    """Whether rclone knows an object by this key: it thinks in directories and files."""
    parts = key.split("/")
    return key.isprintable() and all(part not in ("", ".", "..") for part in parts)


def copy(source: str, target: Remote, keys: Iterable[str], check: Callable[[], None]) -> None:
    """Copy objects of the bucket `source`, whatever the target has under their keys.

    Both buckets are reached as one remote, so that S3 copies by itself, metadata and all: what goes
    through this machine, rclone brings with metadata of its own. `check` is called some times a
    second; what it raises ends the copying. Objects that were deleted since they were listed are
    left out. Raises `MoveError` with rclone's last words.
    """
    with tempfile.TemporaryDirectory(prefix="patchworks-") as directory:
        names, said = Path(directory, "keys"), Path(directory, "said")
        names.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
        command: list[str | Path] = [
            *(program(), "copy", f"s3:{source}", f"s3:{target.bucket}"),
            *("--files-from-raw", names, "--no-traverse", "--ignore-times"),
            # The keys are known to be wanted, and what was copied is compared by who called.
            *("--no-check-dest", "--s3-no-head", "--s3-no-check-bucket"),
            # An object that is written meanwhile is not what was listed: that is for a later pass.
            *("--ignore-checksum", "--ignore-size"),
            *("--transfers", str(TRANSFERS), "--retries", "3", "--use-json-log"),
        ]
        with said.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - a fixed command without a shell
                command,
                env=_environment(target),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
            try:
                while process.poll() is None:
                    check()
                    time.sleep(POLL_SECONDS)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
        if process.returncode != 0 and not _only_gone(said):
            last = _last_words(said) or f"rclone ended with {process.returncode}"
            raise MoveError(
                f"objects could not be copied from {source} to {target.bucket}: {last}",
                remedy="run the same command again, which copies what is left",
            )


def _only_gone(said: Path) -> bool:
    """Whether all that rclone complains of is that an object is gone."""
    try:
        lines = [json.loads(line) for line in said.read_text(errors="replace").splitlines()]
        faults = [str(line["msg"]) for line in lines if line["level"] in FAULTS]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(faults) and all(GONE in fault for fault in faults)


def _last_words(said: Path) -> str:
    """What rclone said last, out of its log of JSON lines."""
    last = said.read_text(errors="replace").strip().splitlines()[-1:]
    if not last:
        return ""
    try:
        return str(json.loads(last[0])["msg"]).strip()[:_LONGEST]
    except (ValueError, KeyError, TypeError):
        return last[0][:_LONGEST]


def _environment(target: Remote) -> dict[str, str]:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        # What the user's own file says must not lead a remote anywhere else.
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CONFIG_S3_TYPE": "s3",
    }
    for setting, value in target.settings.items():
        environment[f"RCLONE_CONFIG_S3_{setting}"] = value
    return environment
