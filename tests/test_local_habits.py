"""What people run before a commit is what CI runs, and every hook's program is there."""

import re
import subprocess

import pytest
import yaml

from catalog.load import find_root

ROOT = find_root()
HOOKS = {
    hook["id"]: hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
}


def test_make_check_is_what_ci_runs():
    (listed,) = re.findall(r"^check: (.*?) ##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    (steps,) = re.findall(r"^for step in (.*); do$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert steps.split() == ["setup", *listed.split()]


def test_hooks_come_from_this_checkout_and_not_from_the_network():
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [each["repo"] for each in repositories] == ["local"]
    assert {hook["language"] for hook in HOOKS.values()} == {"system"}


@pytest.mark.parametrize("name", ["lint", "format"])
def test_a_hook_on_files_passes_on_a_file_that_is_fine(name):
    command = [*HOOKS[name]["entry"].split(), "catalog/base.py"]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["catalog", "generated", "workflows"])
def test_a_hook_on_the_whole_passes_as_the_checkout_is(name):
    entry = HOOKS[name]["entry"]
    ended = subprocess.run(
        ["bash", "-c", entry], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
