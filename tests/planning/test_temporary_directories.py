"""A plan's directories lie where there is room, and go with it or with the next plan."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from planning import temporary
from planning.temporary import PREFIX, TemporaryDirectory, remove_abandoned


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
    left._descriptor = -1
    hidden = [memory / f".{PREFIX}{name}" for name in ("old", "young")]
    for each in hidden:
        each.mkdir()
    os.utime(hidden[0], (0, 0))
    elsewhere = memory / "another's"
    elsewhere.mkdir()
    (memory / f"{PREFIX}link").symlink_to(elsewhere)
    with TemporaryDirectory(1000) as used, TemporaryDirectory() as on_disk:
        remove_abandoned()
        assert not left.path.exists()
        assert used.path.exists()
        assert on_disk.path.exists()
        assert elsewhere.exists()
        assert [each.exists() for each in hidden] == [False, True]


@pytest.mark.parametrize("step", ["mkdir", "open", "flock", "rename"])
def test_an_interrupt_at_any_step_of_its_making_leaves_no_directory(
    memory: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    owner = {"open": os, "flock": fcntl}.get(step, Path)
    original = getattr(owner, step)

    def interrupted(*arguments: Any, **options: Any) -> None:
        monkeypatch.setattr(owner, step, original)
        original(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        TemporaryDirectory(1000)
    assert not list(memory.iterdir())


def test_one_that_nobody_got_hold_of_is_removed(memory: Path) -> None:
    made = TemporaryDirectory(1000)
    assert len(list(memory.iterdir())) == 1
    del made
    assert not list(memory.iterdir())
