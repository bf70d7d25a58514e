"""A plan that is ended leaves no process, and no file that the next one would not remove."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from planned_changes import ROOT, Clone

from planning.temporary import TemporaryDirectory, remove_abandoned

STARTED, AT_WORK = 2, 5
"""Processes that there are at least when the first side is started, and when all are at work."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    made = Clone(tmp_path_factory.mktemp("interrupted") / "clone", ("brightwater",))
    made.edit(("components/aws/bucket.py", "UPLOAD_DAYS = 7", "UPLOAD_DAYS = 8"))
    return made


def processes(directory: Path) -> list[int]:
    """All processes that were started with something in a directory."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            told = (each / "cmdline").read_bytes() + (each / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(directory) in told and int(each.name) != os.getpid():
            found.append(int(each.name))
    return found


def waited(directory: Path, *, least: int = 0, most: int = 1000) -> list[int]:
    """The processes, once there are as many; those that are there after a long wait, otherwise."""
    end = time.monotonic() + 600
    while True:
        found = processes(directory)
        if least <= len(found) <= most or time.monotonic() > end:
            return found
        time.sleep(0.02)


@pytest.mark.parametrize("moment", [STARTED, AT_WORK])
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_plan_that_is_ended(
    clone: Clone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sign: signal.Signals,
    moment: int,
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    plan = subprocess.Popen(
        [
            *(sys.executable, "-m", "scripts.main", "plan", "--base=HEAD", "--jobs=2"),
            *(f"--repository={clone.directory}", f"--output={tmp_path / 'plan.json'}"),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "TMPDIR": str(temporary),
            "HOME": str(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert len(waited(tmp_path, least=moment)) >= moment
    plan.send_signal(sign)
    _, said = plan.communicate(timeout=600)
    assert waited(tmp_path, most=0) == []
    assert not list((tmp_path / "cache").rglob("*.json"))
    if sign == signal.SIGKILL:
        assert plan.returncode == -signal.SIGKILL
        assert moment != AT_WORK or list(temporary.iterdir())
        monkeypatch.setattr(tempfile, "tempdir", str(temporary))
        with TemporaryDirectory() as another:
            remove_abandoned()
            assert list(temporary.iterdir()) == [another.path]
        assert list(temporary.iterdir()) == []
        return
    assert plan.returncode == 130, said
    assert said.strip() == "patchworks: interrupted"
    assert list(temporary.iterdir()) == []
