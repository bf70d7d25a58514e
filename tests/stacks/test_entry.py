"""What `pulumi preview` says where the program can't begin: the fault itself, and no trace."""

import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

from stacks.looking import LOOKS_AT

STARTED = """
import runpy, sys
import pulumi
from pulumi.runtime.mocks import Mocks

class Nothing(Mocks):
    def new_resource(self, args):
        return args.name, args.inputs

    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Nothing(), "patchworks", sys.argv[1], True)
try:
    runpy.run_path(sys.argv[2], run_name="__main__")
except pulumi.RunError as error:
    # The CLI prints what it says, and of every other exception the trace.
    print(error)
"""


def begin(stack: str, **variables: str) -> str:
    """What the program says that the CLI would start for a stack."""
    return subprocess.run(
        [sys.executable, "-c", STARTED, stack, str(ROOT / "stacks" / "__main__.py")],
        cwd=ROOT / "stacks",
        env={"PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_stack_that_the_catalog_does_not_have_is_told_beside_those_that_it_has():
    said = begin("cell.prod-eu-west-9")
    assert said.startswith("there is no stack 'cell.prod-eu-west-9' in the catalog; its stacks are")
    assert "cell.prod-eu-west-1" in said


def test_every_fault_of_the_catalog_is_told_with_file_and_line(tmp_path: Path):
    (tmp_path / "organization.yaml").write_text("name: 1\n")
    said = begin("organization", **{LOOKS_AT: str(tmp_path)})
    assert said.startswith("the catalog has ")
    assert "organization.yaml:1:" in said


@pytest.mark.parametrize("stack", ["organization", "tenant.brightwater"])
def test_a_directory_without_a_catalog_is_named(tmp_path: Path, stack: str):
    assert str(tmp_path) in begin(stack, **{LOOKS_AT: str(tmp_path)})
