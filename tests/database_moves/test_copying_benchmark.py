"""The benchmark of a move runs, at a size at which its figures mean nothing."""

from __future__ import annotations

import subprocess
import sys


def test_the_benchmark_moves_a_database_and_compares_what_arrived() -> None:
    output = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.move", "copy"),
            *("--shapes", "a", "--size=0.001", "--rounds=1", "--only-ours"),
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    assert "patchworks, the whole move" in output
    assert "verify" in output
