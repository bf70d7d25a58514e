"""A test that needs a program is left out aloud where there is none, and never in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import needed_programs
import pytest
from repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_NOTHING_THERE = """
for need in needed_programs.NEEDS:
    needed_programs.NEEDS[need] = needed_programs.Need(lambda: False, "apt-get install it")
"""

_TESTS = """
import pytest

@pytest.mark.needs_pgbouncer
@pytest.mark.parametrize("n", range(3))
def test_with_a_pooler(n):
    pass

def test_without():
    pass
"""


PARALLEL = [(), ("-p", "xdist", "-n", "2")]


def run(tmp_path: Path, *arguments: str, ci: bool) -> subprocess.CompletedProcess[str]:
    conftest = (ROOT / "tests" / "conftest.py").read_text()
    (tmp_path / "conftest.py").write_text(conftest + _NOTHING_THERE)
    (tmp_path / "test_two.py").write_text(_TESTS)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT / "tests"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        **({"CI": "true"} if ci else {}),
    }
    options = ("-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "-p", "no:cacheprovider")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments, tmp_path],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )


@pytest.mark.parametrize("parallel", PARALLEL)
def test_what_was_not_run_is_said_with_what_to_install(
    tmp_path: Path, parallel: tuple[str, ...]
) -> None:
    answer = run(tmp_path, *parallel, ci=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1 passed" in answer.stdout
    assert "3 tests were NOT RUN: needs_pgbouncer (apt-get install it)" in answer.stdout


@pytest.mark.parametrize("parallel", PARALLEL)
def test_in_ci_a_missing_program_is_an_error(tmp_path: Path, parallel: tuple[str, ...]) -> None:
    answer = run(tmp_path, *parallel, ci=True)
    assert answer.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 passed, 3 errors" in answer.stdout
    assert "needs_pgbouncer: apt-get install it" in answer.stdout


def test_every_need_has_a_marker_and_every_marker_a_need(pytestconfig: pytest.Config) -> None:
    markers = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert {marker for marker in markers if marker.startswith("needs_")} == set(
        needed_programs.NEEDS
    )
