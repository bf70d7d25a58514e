"""Setup compiles what lies in its environment, whatever the environment says, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/inside", sys.argv[1] + "/outside"]
sys.path.insert(0, sys.argv[2])
from scripts.bytecode import write_below
write_below(Path(sys.argv[1], "inside"))
import within, without
"""


def test_modules_are_compiled_in_the_environment_alone(tmp_path: Path) -> None:
    for directory, module in (("inside", "within"), ("outside", "without")):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / f"{module}.py").write_text("VALUE = 1\n")
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(ROOT)],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    assert [file.name.partition(".")[0] for file in tmp_path.rglob("*.pyc")] == ["within"]
