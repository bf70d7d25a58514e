"""The benchmark of the copy runs, at a size at which its figures mean nothing."""

from __future__ import annotations

import subprocess
import sys


def test_the_benchmark_copies_every_shape_and_compares_what_arrived() -> None:
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.move", "--size=0.001", "--rounds=1", "--only-ours"],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    assert output.count("patchworks ") == 3
    assert output.count("indexes") >= 3
