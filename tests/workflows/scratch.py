"""A git repository with this checkout's code and a small catalog, and a cloud of its own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from catalog.catalog import Catalog
from catalog.load import find_root, load
from rehearsal.local_cloud import LocalCloud

ROOT = find_root()
PACKAGES = (
    "bootstrap", "catalog", "components", "database_moves", "delivery", "planning", "policies",
    "rehearsal", "scripts", "stacks", "tenant_moves",
)  # fmt: skip
FILES = (
    ".gitignore", "organization.yaml", "google-saml-metadata.xml", "Pulumi.yaml",
    "requirements.lock",
)  # fmt: skip
KEPT = {
    "cells": ("dev-eu-west-1", "staging-eu-west-1", "prod-ap-southeast-2", "prod-us-east-1"),
    "tenants": ("sandbox", "brightwater-staging", "goldfields-mining", "fernhill"),
}
"""A cell and a tenant each of dev, staging, the canary and the rest of production."""


@dataclass(frozen=True)
class Ended:
    """What came of a command or of a workflow's step."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return f"{self.out}\n{self.err}"


@dataclass
class Scratch:
    """The repository, and the cloud that its commands use."""

    root: Path
    state: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def made_in(cls, directory: Path) -> "Scratch":
        root, state = directory / "repository", directory / "state"
        root.mkdir()
        made = cls(root, state)
        ignored = shutil.ignore_patterns("__pycache__")
        for package in (*PACKAGES, "qa", ".github"):
            shutil.copytree(ROOT / package, root / package, ignore=ignored)
        for file in FILES:
            shutil.copy(ROOT / file, root / file)
        for kind, kept in KEPT.items():
            (root / kind).mkdir()
            for name in kept:
                shutil.copy(ROOT / kind / f"{name}.yaml", root / kind / f"{name}.yaml")
        (root / ".venv").symlink_to(ROOT / ".venv")
        # What a job would install is there.
        (root / "Makefile").write_text("setup:\n\t@true\n")
        made.edit("qa/release.yaml", ("soak_minutes: 30", "soak_minutes: 0"))
        made.git("init", "--quiet", "--initial-branch", "main")
        (root / ".git" / "info" / "exclude").write_text(".venv\n__pycache__\n")
        made.commit("The platform as it is")
        return made

    @property
    def cloud(self) -> LocalCloud:
        return LocalCloud(self.state)

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def load(self) -> Catalog:
        return load(self.root)

    def edit(self, file: str, *replacements: tuple[str, str]) -> None:
        path = self.root / file
        text = path.read_text()
        for old, new in replacements:
            assert old in text, f"{file} has no {old!r}"
            text = text.replace(old, new)
        path.write_text(text)

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.head

    def git(self, *arguments: str) -> str:
        settings = ("user.name=A Person", "user.email=person@example.com", "commit.gpgsign=false")
        options = [option for setting in settings for option in ("-c", setting)]
        return subprocess.run(
            ["git", *options, *arguments],
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def variables(self, **more: str) -> dict[str, str]:
        """What a command of this repository runs with: its own code, and its own cloud."""
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return {
            **kept,
            "PYTHONPATH": str(self.root),
            "PATCHWORKS_STATE": str(self.state),
            "PATCHWORKS_ENGINE": "local",
            "COLUMNS": "100",
            **self.environment,
            **more,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "scripts.main", *arguments]

    def run(self, *arguments: str, **more: str) -> Ended:
        """Run a `patchworks` command of this repository."""
        ended = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.variables(**more),
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command, and do not wait for it."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.root,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
