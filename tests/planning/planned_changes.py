"""A small copy of this repository in git, to which tests make the changes that they plan."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from repository import files

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("catalog", "components", "rehearsal", "stacks")
CELLS = ("prod-ap-southeast-2", "prod-eu-west-1")
TENANTS = (
    "aurelia-health",
    "brightwater",
    "goldfields-mining",
    "harbour-foods",
)
Edit = tuple[str, str, str]
"""A file, a text in it, and what takes that text's place."""


class Clone:
    """A repository of its own, whose commits are this one's files with changes."""

    def __init__(self, directory: Path, tenants: tuple[str, ...] = TENANTS) -> None:
        self.directory = directory
        self._tenants = tenants
        directory.mkdir(parents=True)
        self._git("init", "-q", "-b", "main")
        for path in files():
            if self._is_kept(path):
                target = directory / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes((ROOT / path).read_bytes())
        self.commit("base")

    def edit(self, *edits: Edit) -> None:
        """Make changes; each text must be there exactly once."""
        for path, old, new in edits:
            file = self.directory / path
            content = file.read_text(encoding="utf-8")
            assert content.count(old) == 1, f"{path} has {old!r} {content.count(old)} times"
            file.write_text(content.replace(old, new), encoding="utf-8")

    def remove(self, path: str) -> None:
        """Remove a file."""
        (self.directory / path).unlink()

    def commit(self, message: str) -> str:
        """Commit all that there is; returns the commit's id."""
        self._git("add", "-A")
        self._git("commit", "-q", "--no-gpg-sign", "-m", message)
        return self._git("rev-parse", "HEAD")

    def status(self) -> str:
        """What git says of the work tree."""
        return self._git("status", "--porcelain")

    def _git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
        done = subprocess.run(
            command, cwd=self.directory, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def _is_kept(self, path: Path) -> bool:
        top = path.parts[0]
        if top == "cells":
            return path.stem in CELLS
        if top == "tenants":
            return path.stem in self._tenants
        return (
            top in KEPT
            or path.name in ("Pulumi.yaml", "organization.yaml")
            or (path.suffix == ".xml" and len(path.parts) == 1)
        )


@dataclass(frozen=True)
class Planned:
    """What one run of the command left behind."""

    clone: Clone
    code: int
    said: str
    outputs: Path
    cache: Path

    @property
    def markdown(self) -> str:
        """The comment as a reader sees it: character references read, code marks left out."""
        text = html.unescape((self.outputs / "plan.md").read_text(encoding="utf-8"))
        return re.sub(r"</?code>|\N{ZERO WIDTH JOINER}|\*\*", "", text)

    def line(self, *parts: str) -> str:
        """The first line of the comment that has all parts."""
        found = [line for line in self.markdown.splitlines() if all(part in line for part in parts)]
        assert found, f"no line has {parts}:\n{self.markdown}"
        return found[0]


def see_that_the_day_lasts() -> None:
    """Wait for the next day where this one is nearly over: what plans find is known for a day."""
    while (now := datetime.now(UTC)).date() != (now + timedelta(minutes=5)).date():
        time.sleep(1)


def run(clone: Clone, directory: Path, *options: str) -> Planned:
    outputs, cache = directory / "outputs", directory / "cache"
    files = [
        f"--output={outputs / f'plan.{end}'}" for end in ("md", "json", "sarif", "html", "txt")
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "scripts.main",
            "plan",
            *files,
            *options,
            f"--repository={clone.directory}",
        ],
        cwd=ROOT,
        env={**os.environ, "HOME": str(directory), "XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    return Planned(clone, done.returncode, done.stdout + done.stderr, outputs, cache)
