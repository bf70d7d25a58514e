"""Issues of drift against a server that keeps issues as GitHub does: opened, updated, closed."""

import json
import os
import subprocess
import sys

import pytest
from tracker import tracking

from catalog.load import find_root

PROGRAM = find_root() / ".github" / "drift_issues.py"


@pytest.fixture
def tracker():
    with tracking() as kept:
        yield kept


def run(tracker, directory, *found):
    (directory / "drift-a").mkdir(exist_ok=True)
    (directory / "drift-a" / "found.json").write_text(json.dumps(found))
    return subprocess.run(
        [sys.executable, "-I", PROGRAM],
        env={
            **os.environ,
            "GITHUB_API_URL": tracker.address,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_TOKEN": "the-token",
            "RUN_URL": "https://github.example/run/1",
            "DRIFT_DIRECTORY": str(directory),
        },
        capture_output=True,
        text=True,
        check=False,
    )


DIFFERS = {"stack": "cell.dev-eu-west-1", "differs": {"update": 2, "delete": 1}}
SAME = {"stack": "cell.dev-eu-west-1", "differs": {}}


def test_a_stack_that_differs_gets_one_issue_however_often_it_is_seen(tracker, tmp_path):
    for _ in range(2):
        assert run(tracker, tmp_path, DIFFERS).returncode == 0
    (issue,) = tracker.issues
    assert issue["title"] == "Drift: cell.dev-eu-west-1"
    assert "- 1 to delete\n- 2 to update" in issue["body"]
    assert issue["labels"] == ["drift"]


def test_the_issue_is_closed_once_the_stack_is_as_it_was_brought_up(tracker, tmp_path):
    run(tracker, tmp_path, DIFFERS)
    run(tracker, tmp_path, SAME)
    assert tracker.issues[0]["state"] == "closed"
    assert tracker.comments == [(1, "Seen no longer by https://github.example/run/1")]


def test_what_only_settings_were_looked_at_of_neither_opens_nor_closes_the_stacks_own(
    tracker, tmp_path
):
    run(tracker, tmp_path, DIFFERS, {**DIFFERS, "part": "settings"})
    settings = "Drift: cell.dev-eu-west-1 (settings)"
    assert tracker.open == {"Drift: cell.dev-eu-west-1", settings}
    run(tracker, tmp_path, {**SAME, "part": "settings"})
    assert tracker.open == {"Drift: cell.dev-eu-west-1"}


def test_issues_of_stacks_that_were_not_looked_at_and_of_people_are_let_be(tracker, tmp_path):
    tracker.add("Drift: tenant.fernhill")
    tracker.add("Drift: cell.dev-eu-west-1", by="mallory")
    run(tracker, tmp_path, SAME)
    assert [issue["state"] for issue in tracker.issues] == ["open", "open"]


def test_an_issue_is_found_behind_a_hundred_others(tracker, tmp_path):
    for number in range(130):
        tracker.add(f"Drift: tenant.t{number}")
    run(tracker, tmp_path, {"stack": "tenant.t129", "differs": {"update": 1}})
    assert len(tracker.issues) == 130
    assert "1 to update" in tracker.issues[129]["body"]


def test_what_can_not_be_told_is_an_issue_that_calls_nobody(tracker, tmp_path):
    run(tracker, tmp_path, {"stack": "tenant.a", "problem": "no access, ask @everyone"})
    assert "@everyone" not in tracker.issues[0]["body"]
    assert "no access" in tracker.issues[0]["body"]


@pytest.mark.parametrize(
    "found",
    [
        [{"stack": "x y", "differs": {}}],
        [{"stack": "cell.a", "part": "x", "differs": {}}],
        {"stack": "cell.a"},
        [["cell.a"]],
        "[",
    ],
)
def test_what_is_no_list_of_stacks_fails_and_changes_nothing(tracker, tmp_path, found):
    tracker.add("Drift: cell.a")
    (tmp_path / "odd.json").write_text(found if isinstance(found, str) else json.dumps(found))
    ended = run(tracker, tmp_path)
    assert ended.returncode == 1
    assert "odd.json is no list of stacks" in ended.stderr
    assert tracker.issues[0]["state"] == "open"
