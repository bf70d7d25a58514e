import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from catalog.load import find_root

ROOT = find_root()


class Patchworks:
    """The real command, in a process and a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "scripts.main", *arguments],
            cwd=self.directory,
            env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"} | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture
def patchworks(tmp_path: Path) -> Patchworks:
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    return Patchworks(directory)


@pytest.fixture
def catalog_copy(tmp_path: Path) -> Path:
    root = tmp_path / "catalog"
    root.mkdir()
    for directory in ("cells", "tenants"):
        shutil.copytree(ROOT / directory, root / directory)
    for file in ("organization.yaml", "google-saml-metadata.xml"):
        shutil.copy(ROOT / file, root / file)
    return root
