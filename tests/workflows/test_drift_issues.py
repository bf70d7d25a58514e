"""Issues of drift against a server that keeps issues as GitHub does: opened, updated, closed."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from catalog.load import find_root

PROGRAM = find_root() / ".github" / "drift_issues.py"
BOT = "github-actions[bot]"


class Tracker:
    """Issues of one repository."""

    def __init__(self):
        self.issues = []
        self.comments = []

    def add(self, title, *, by=BOT, labels=("drift",), state="open"):
        self.issues.append(
            {
                "number": len(self.issues) + 1,
                "title": title,
                "body": "old",
                "state": state,
                "labels": list(labels),
                "user": {"login": by},
            }
        )

    def answer(self, method, path, content):
        if method == "GET":
            found = [i for i in self.issues if i["state"] == "open" and "drift" in i["labels"]]
            page = int(re.search(r"[?&]page=(\d+)", path)[1])
            return found[(page - 1) * 100 : page * 100]
        if method == "POST" and path == "/issues":
            self.add(content["title"], labels=content["labels"])
            self.issues[-1]["body"] = content["body"]
            return self.issues[-1]
        number = int(re.search(r"/issues/(\d+)", path)[1])
        if path.endswith("/comments"):
            self.comments.append((number, content["body"]))
            return {}
        self.issues[number - 1] |= content
        return self.issues[number - 1]


@pytest.fixture
def tracker():
    kept = Tracker()

    class Api(BaseHTTPRequestHandler):
        def answer(self):
            size = int(self.headers.get("Content-Length") or 0)
            content = json.loads(self.rfile.read(size)) if size else None
            assert self.headers["Authorization"] == "Bearer the-token"
            path = self.path.removeprefix("/repos/o/r")
            body = json.dumps(kept.answer(self.command, path, content)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 - what http.server calls

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kept.address = f"http://127.0.0.1:{server.server_port}"
    yield kept
    server.shutdown()
    server.server_close()


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
    "found", [[{"stack": "x y", "differs": {}}], {"stack": "cell.a"}, [["cell.a"]], "["]
)
def test_what_is_no_list_of_stacks_fails_and_changes_nothing(tracker, tmp_path, found):
    tracker.add("Drift: cell.a")
    (tmp_path / "odd.json").write_text(found if isinstance(found, str) else json.dumps(found))
    ended = run(tracker, tmp_path)
    assert ended.returncode == 1
    assert "odd.json is no list of stacks" in ended.stderr
    assert tracker.issues[0]["state"] == "open"
