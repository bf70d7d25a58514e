"""A plan's directories lie where there is room, and go with it or with the next plan."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest

from planning import temporary
from planning.temporary import PREFIX, TemporaryDirectory, remove_abandoned

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What takes the place of the file system in memory; the other one is beside it."""
    for name in ("memory", "disk"):
        (tmp_path / name).mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(temporary, "_IN_MEMORY", tmp_path / "memory")
    monkeypatch.setattr(tempfile, "_get_default_tempdir", lambda: str(tmp_path / "disk"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path / "memory"


def test_files_lie_in_memory_where_they_fit_and_nobody_said_where(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory() as scratch, TemporaryDirectory(1000) as made:
        assert scratch.path.parent == memory.with_name("disk")
        assert made.path.parent == memory
        (made.path / "file").write_text("x")
    assert not list(memory.iterdir())
    with TemporaryDirectory(1 << 60) as made:
        assert made.path.parent == memory.with_name("disk")
    with TemporaryDirectory() as made:
        assert made.path.parent == memory.with_name("disk")
    monkeypatch.setenv("TMPDIR", str(memory.with_name("disk")))
    with TemporaryDirectory(1000) as made:
        assert made.path.parent == memory.with_name("disk")


def test_what_a_killed_plan_left_is_removed_and_what_a_plan_uses_is_not(memory: Path) -> None:
    left = TemporaryDirectory(1000)
    (left.path / "below").mkdir()
    os.close(left._descriptor)  # As the end of its process does.
    elsewhere = memory / "another's"
    elsewhere.mkdir()
    (memory / f"{PREFIX}link").symlink_to(elsewhere)
    with TemporaryDirectory(1000) as used, TemporaryDirectory() as on_disk:
        remove_abandoned()
        assert not left.path.exists()
        assert used.path.exists()
        assert on_disk.path.exists()
        assert elsewhere.exists()
