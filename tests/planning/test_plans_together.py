"""Plans that run at the same time over one cache each say what one alone would."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from planned_changes import ROOT, Clone

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = ("md", "json", "sarif", "html")


def start(clone: Clone, directory: Path, outputs: Path, *options: str) -> subprocess.Popen[str]:
    """Start a plan of the clone's change, whose cache and temporary files are the directory's."""
    temporary = directory / "temporary"
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "scripts.main", "plan", "--base=HEAD", *options),
            *(f"--repository={clone.directory}",),
            *(f"--output={outputs / f'plan.{each}'}" for each in FORMATS),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "TMPDIR": str(temporary),
            "HOME": str(directory),
            "XDG_CACHE_HOME": str(directory / "cache"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_two_plans_at_once_over_one_cache_say_what_one_alone_says(tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone", ("brightwater", "harbour-foods"))
    clone.edit(
        ("components/aws/bucket.py", "UPLOAD_DAYS = 7", "UPLOAD_DAYS = 8"),
        ("tenants/brightwater.yaml", "Operations centre, Leeds", "Operations centre, York"),
    )
    running = {
        tmp_path / f"plan-{number}": start(clone, tmp_path, tmp_path / f"plan-{number}")
        for number in range(2)
    }
    alone = tmp_path / "alone"
    said = {outputs: plan.communicate(timeout=900)[0] for outputs, plan in running.items()}
    kept = {file: file.read_bytes() for file in (tmp_path / "cache").rglob("*.json")}
    assert kept, said
    running[alone] = start(clone, tmp_path, alone, "--no-cache")
    said[alone] = running[alone].communicate(timeout=900)[0]
    for outputs, plan in running.items():
        assert plan.returncode == 0, said[outputs]
        for each in FORMATS:
            file = f"plan.{each}"
            assert (outputs / file).read_bytes() == (alone / file).read_bytes(), (outputs, file)
    assert {file: file.read_bytes() for file in (tmp_path / "cache").rglob("*.json")} == kept
    assert list((tmp_path / "temporary").iterdir()) == []
