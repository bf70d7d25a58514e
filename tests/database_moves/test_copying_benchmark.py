"""The benchmark of a move runs, at a size at which its figures mean nothing."""

from __future__ import annotations

import re
import subprocess
import sys


def measured(*arguments: str) -> str:
    """What the benchmark prints; it fails where a write is lost, doubled or refused."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.move", *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    ).stdout


def test_the_benchmark_moves_a_database_and_compares_what_arrived() -> None:
    output = measured("copy", "--shapes", "a", "--size=0.001", "--rounds=1", "--only-ours")
    assert "patchworks, the whole move" in output
    assert "verify" in output


def test_the_benchmark_cuts_over_and_accounts_for_every_write() -> None:
    output = measured("cutover", "--quick")
    ours = re.search(r"^patchworks +2 +\d+ ms +\d+ ms +0 +0$", output, re.MULTILINE)
    assert ours, output
    assert re.search(
        r"^[1-9][\d,]* acknowledged writes, each there once; pause: ", output, re.MULTILINE
    )
    assert re.search(r"^median of its parts: .*fenced \d+ ms", output, re.MULTILINE), output
    assert re.search(r"^by hand +1 +\d+ ms +\d+ ms +0 +0$", output, re.MULTILINE), output


def test_the_benchmark_says_what_a_copy_costs_the_source() -> None:
    output = measured("load", "--quick", "--size=0.001")
    for state in ("alone", "copying, no limit", "copying, 20 MB/s"):
        assert re.search(rf"^{state} +[1-9]\d* transactions/s", output, re.MULTILINE), output
