import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from catalog.faults import Fault
from catalog.load import find_root, read


@dataclass
class Workspace:
    """A copy of the shipped catalog that a test may spoil."""

    root: Path

    def text(self, file: str) -> str:
        return (self.root / file).read_text(encoding="utf-8")

    def write(self, file: str, content: str | bytes) -> None:
        path = self.root / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace the first occurrence of a text that must be there."""
        text = self.text(file)
        assert old in text, f"{file} has no {old!r}"
        self.write(file, text.replace(old, new, 1))

    def faults(self) -> list[Fault]:
        return read(self.root)[1]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "catalog"
    root.mkdir()
    source = find_root()
    for directory in ("cells", "tenants"):
        shutil.copytree(source / directory, root / directory)
    for file in ("organization.yaml", "google-saml-metadata.xml"):
        shutil.copy(source / file, root / file)
    return Workspace(root)
