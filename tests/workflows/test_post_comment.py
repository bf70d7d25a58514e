"""The program that comments, against a server that answers as GitHub does."""

import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from catalog.load import find_root

FILE = Path(find_root()) / ".github" / "post_comment.py"
HEAD = "a" * 40


@pytest.fixture(scope="module")
def program():
    spec = importlib.util.spec_from_file_location("post_comment", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Answers(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        github = self.server.github
        github.calls.append(("GET", self.path))
        if self.path.startswith("/repos/acme/platform/pulls/"):
            found = github.pulls.get(int(self.path.rpartition("/")[2]))
            return self.answer(200 if found else 404, found or {"message": "Not Found"})
        page = int(self.path.rpartition("page=")[2])
        return self.answer(200, github.comments[100 * (page - 1) : 100 * page])

    def do_POST(self):
        self.change()

    def do_PATCH(self):
        self.change()

    def do_DELETE(self):
        github = self.server.github
        github.calls.append(("DELETE", self.path))
        self.answer(200 if github.labelled else 404, {})
        github.labelled = False

    def change(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        self.server.github.calls.append((self.command, self.path))
        self.server.github.said.append(body)
        self.answer(200, {})

    def answer(self, code, content):
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


class GitHub:
    def __init__(self):
        self.pulls = {7: {"state": "open", "head": {"sha": HEAD}}}
        self.comments, self.calls, self.said = [], [], []
        self.labelled = True


@pytest.fixture
def github(monkeypatch, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.github = GitHub()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("ARTIFACT_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/platform")
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    monkeypatch.setenv("HEAD_SHA", HEAD)
    yield server.github
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def artifact(tmp_path):
    (tmp_path / "pull-request").write_text("7\n")
    (tmp_path / "plan.md").write_text("## Plan\n\nnothing changes\n")
    return tmp_path


def comment(identity, login, body):
    return {"id": identity, "user": {"login": login}, "body": body}


def test_the_first_plan_of_a_pull_request_is_posted(program, github, artifact):
    assert program.main() == 0
    assert github.said == [f"{program.MARKER}\n## Plan\n\nnothing changes\n"]
    assert ("POST", "/repos/acme/platform/issues/7/comments") in github.calls


def test_a_later_plan_takes_its_place_however_many_comments_lie_between(program, github, artifact):
    github.comments = [comment(number, "someone", "hello") for number in range(250)]
    github.comments.insert(120, comment(4711, program.AUTHOR, f"{program.MARKER}\nold"))
    assert program.main() == 0
    assert github.calls[-1] == ("PATCH", "/repos/acme/platform/issues/comments/4711")


def test_another_persons_comment_with_the_marker_is_left_alone(program, github, artifact):
    github.comments = [comment(1, "mallory", f"{program.MARKER}\nmine")]
    assert program.main() == 0
    assert github.calls[-1][0] == "POST"


def test_the_same_plan_again_changes_nothing(program, github, artifact):
    said = f"{program.MARKER}\n## Plan\n\nnothing changes\n"
    github.comments = [comment(1, program.AUTHOR, said)]
    assert program.main() == 0
    assert github.said == []


@pytest.mark.parametrize("number", ["", "0", "7; id", "../../orgs/acme", "7 8", "\u0667", "9" * 30])
def test_what_is_no_number_names_no_pull_request(program, github, artifact, number, capsys):
    (artifact / "pull-request").write_text(number)
    assert program.main() == 1
    assert "not posted" in capsys.readouterr().err
    assert github.calls == []


def test_a_plan_is_not_posted_to_another_pull_request(program, github, artifact):
    github.pulls[8] = {"state": "open", "head": {"sha": "b" * 40}}
    (artifact / "pull-request").write_text("8")
    assert program.main() == 1
    assert github.said == []


def test_a_pull_request_that_is_not_there_or_closed_gets_nothing(program, github, artifact):
    (artifact / "pull-request").write_text("9")
    assert program.main() == 1
    github.pulls[7]["state"] = "closed"
    (artifact / "pull-request").write_text("7")
    assert program.main() == 1
    assert github.said == []


def test_nobody_is_called_by_a_plan(program, github, artifact):
    (artifact / "plan.md").write_text("@acme/security please approve, cc @root")
    assert program.main() == 0
    assert "@acme" not in github.said[0]
    assert "@root" not in github.said[0]


def test_a_hostile_length_is_cut_and_the_marker_stays_first(program, github, artifact):
    (artifact / "plan.md").write_text("\N{PILE OF POO}" * 60_000 + "@" * 10_000)
    assert program.main() == 0
    assert len(github.said[0]) <= program.MOST_CHARACTERS
    assert github.said[0].startswith(program.MARKER)
    assert "Cut here" in github.said[0]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"x" * 300_000], ids=["not UTF-8", "too large"]
)
def test_what_is_no_comment_is_refused(program, github, artifact, content):
    (artifact / "plan.md").write_bytes(content)
    assert program.main() == 1
    assert github.said == []


def test_a_link_in_the_artifact_leads_nowhere(program, github, artifact, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the runner's own")
    (artifact / "plan.md").unlink()
    (artifact / "plan.md").symlink_to(secret)
    assert program.main() == 1
    assert github.said == []


def test_a_marker_in_the_plan_itself_does_not_count(program, github, artifact):
    (artifact / "plan.md").write_text(f"x {program.MARKER} y")
    assert program.main() == 0
    assert github.said[0].count(program.MARKER) == 1


def test_a_preview_has_a_comment_of_its_own_and_takes_its_label_off(
    program, github, artifact, monkeypatch
):
    monkeypatch.setenv("COMMENT", "preview")
    (artifact / "preview.md").write_text("## Preview <!-- patchworks-plan -->\n")
    github.comments = [
        comment(1, program.AUTHOR, f"{program.MARKER}\na plan"),
        comment(2, program.AUTHOR, "<!-- patchworks-preview -->\nold"),
    ]
    assert program.main() == 0
    assert github.said == ["<!-- patchworks-preview -->\n## Preview \n"]
    patched, unlabelled = github.calls[-2:]
    assert patched == ("PATCH", "/repos/acme/platform/issues/comments/2")
    assert unlabelled == ("DELETE", "/repos/acme/platform/issues/7/labels/preview")
    # Somebody else took it off meanwhile.
    assert program.main() == 0


def test_a_marker_that_is_left_when_another_is_taken_out_does_not_count(program, github, artifact):
    nested = program.MARKER.replace("plan", f"pl{program.MARKER}an")
    (artifact / "plan.md").write_text(nested)
    assert program.main() == 0
    assert github.said[0].count("<!--") == 1


def test_a_comment_of_no_kind_is_refused(program, github, artifact, monkeypatch):
    monkeypatch.setenv("COMMENT", "../plan")
    with pytest.raises(SystemExit):
        program.main()
