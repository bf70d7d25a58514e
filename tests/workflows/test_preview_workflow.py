"""The steps of `preview`, read from the workflow, over pull requests good and bad.

Bash, git, the command, PostgreSQL and moto are real; what GitHub does is the test's. The pull
requests' code leaves a marker wherever it runs.
"""

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from acting import Acting
from github_api import answering
from scratch import Scratch

WORKFLOW = Path(".github/workflows/preview.yml")
NUMBER = 7
ASKER = "o'wner-1"
MARKER = "patchworks-ran-foreign-code"
BOT = "github-actions[bot]"
TENANT = "tenants/sandbox.yaml"
NEW_TENANT = "tenants/northwind.yaml"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    directory = tmp_path_factory.mktemp("preview")
    made = Scratch.made_in(directory)
    # Where GitHub keeps the branch and the commits of pull requests.
    subprocess.run(["git", "init", "--quiet", "--bare", directory / "origin"], check=True)
    made.git("remote", "add", "origin", str(directory / "origin"))
    made.git("push", "--quiet", "origin", "main")
    try:
        assert made.run("rehearse", "organization", "--state", str(made.state)).code == 0
        brought = made.run("deliver", "up", "--wave", "organization", "--wave", "dev")
        assert brought.code == 0, brought.said
        yield made
    finally:
        made.cloud.reset()


class Hub:
    """GitHub, as far as it is asked of one pull request."""

    def __init__(self, head):
        self.head, self.state, self.labels = head, "open", ["preview"]
        self.role, self.comments, self.asked = "write", [], []
        self.address = ""

    def answer(self, method, path, content):
        self.asked.append((method, path))
        if path == f"/pulls/{NUMBER}":
            labels = [{"name": each} for each in self.labels]
            return 200, {"state": self.state, "head": {"sha": self.head}, "labels": labels}
        if path.startswith("/collaborators/"):
            return 200, {"permission": self.role, "role_name": self.role}
        if method == "DELETE":
            self.labels.remove(path.rpartition("/")[2])
            return 200, []
        if method == "GET":
            return 200, self.comments
        if method == "POST":
            self.comments.append({"id": 1, "user": {"login": BOT}, "body": content["body"]})
        else:
            self.comments[0]["body"] = content["body"]
        return 200, {}


@contextmanager
def hub(head):
    kept = Hub(head)

    def answer(method, path, content):
        path = path.removeprefix("/repos/halyard-integrations/platform")
        return kept.answer(method, path, content)

    with answering(answer) as kept.address:
        yield kept


class Change:
    """A pull request's branch, made in a clone of somebody else's."""

    def __init__(self, scratch, directory):
        self.root, self.scratch = directory / "fork", scratch
        origin = scratch.git("remote", "get-url", "origin")
        subprocess.run(
            ["git", "clone", "--quiet", "--branch", "main", origin, self.root], check=True
        )

    def edit(self, file, old, new):
        text = (self.root / file).read_text()
        assert old in text
        (self.root / file).write_text(text.replace(old, new))

    def write(self, file, text):
        (self.root / file).parent.mkdir(parents=True, exist_ok=True)
        (self.root / file).write_text(text)

    def push(self):
        def git(*arguments):
            who = ("-c", "user.name=M", "-c", "user.email=m@example.com")
            signed = ("-c", "commit.gpgsign=false")
            command = ["git", *who, *signed, *arguments]
            return subprocess.run(
                command, cwd=self.root, check=True, capture_output=True, text=True
            ).stdout.strip()

        git("add", "--all")
        git("commit", "--quiet", "--message", "change")
        git("push", "--quiet", "origin", f"+HEAD:refs/pull/{NUMBER}/head")
        return git("rev-parse", "HEAD")


@pytest.fixture
def change(scratch, tmp_path):
    return Change(scratch, tmp_path)


def act(scratch, head, github, *, lets_in=lambda _environment: True, label="preview"):
    """One run of the workflow for a label that was set on a pull request."""
    for left in ("artifacts", "temp"):
        subprocess.run(["rm", "-rf", scratch.root.parent / left], check=True)
    before = scratch.head
    jobs = Acting(
        scratch.root / WORKFLOW,
        scratch.root,
        scratch.variables(),
        {
            "sha": before,
            "repository": "halyard-integrations/platform",
            "server_url": "https://github.example",
            "api_url": github.address,
            "run_id": "1",
            "run_attempt": "1",
            "token": "the-token",
            "event": {
                "label": {"name": label},
                "sender": {"login": ASKER},
                "pull_request": {"number": NUMBER, "head": {"sha": head}},
            },
        },
        lets_in=lets_in,
    ).run()
    # The checkout is the default branch's to the end, and nothing was left in it.
    assert scratch.head == before
    assert scratch.git("status", "--porcelain") == ""
    return jobs


def results(jobs):
    return {name: job.result for name, job in jobs.items()}


def test_one_line_is_previewed_against_what_exists_and_told_in_one_comment(scratch, change):
    change.edit(TENANT, "maximum_replicas: 3", "maximum_replicas: 4")
    head = change.push()
    with hub(head) as github:
        asked = []
        jobs = act(scratch, head, github, lets_in=lambda each: asked.append(each) or True)
        assert set(results(jobs).values()) == {"success"}, jobs
        assert asked == ["", "preview", ""]
        (comment,) = github.comments
        assert "1 of 1 stacks would change" in comment["body"]
        assert "<code>tenant.sandbox</code>" in comment["body"]
        assert "to change" in comment["body"]
        assert "maxReplicas" in comment["body"]
        assert github.labels == []

        # Again, for what was pushed since: the same comment.
        change.edit(TENANT, "maximum_replicas: 4", "maximum_replicas: 5")
        again = change.push()
        github.head, github.labels = again, ["preview"]
        assert set(results(act(scratch, again, github)).values()) == {"success"}
        assert len(github.comments) == 1
        assert f"<code>{again[:10]}</code>" in github.comments[0]["body"]
    sandbox = scratch.run("drift", "tenant.sandbox", "--state", str(scratch.state))
    assert "as it was brought up" in sandbox.out, sandbox.said


FOREIGN = f"open({MARKER!r}, 'w').close(); import os; os.system('touch /tmp/{MARKER}')\n"
TRAPS = {
    "scripts/main.py": FOREIGN,
    "stacks/__main__.py": FOREIGN,
    "sitecustomize.py": FOREIGN,
    "conftest.py": FOREIGN,
    "Makefile": f"setup:\n\ttouch {MARKER} /tmp/{MARKER}\n",
    ".github/fetch_change.sh": f"touch {MARKER} /tmp/{MARKER}\n",
    ".github/post_comment.py": FOREIGN,
    ".github/workflows/preview.yml": "on: push\n",
    ".gitattributes": "* filter=run\n",
    ".gitmodules": '[submodule "m"]\n\tpath = m\n\turl = ext::sh -c touch% /tmp/x\n',
    "Pulumi.tenant.sandbox.yaml": "secretsprovider: hashivault://mine\n",
}


def ran(scratch):
    return [*Path("/tmp").glob(MARKER), *scratch.root.parent.rglob(MARKER)]


def test_code_in_a_pull_request_never_runs_and_the_comment_names_it(scratch, change):
    change.edit(TENANT, "maximum_replicas: 3", "maximum_replicas: 4")
    for file, text in TRAPS.items():
        change.write(file, text)
    head = change.push()
    assert ran(scratch) == []
    with hub(head) as github:
        jobs = act(scratch, head, github)
        assert results(jobs) == {"scope": "failure", "preview": "skipped", "comment": "success"}
        (comment,) = github.comments
    assert ran(scratch) == []
    # It was let in nowhere, and so had no identity.
    assert jobs["preview"].environments == []
    for file in TRAPS:
        assert file.rpartition("/")[2].partition(".")[0].strip("_") in comment["body"]
    assert "needs no credential" in comment["body"]


def test_a_catalog_that_means_harm_is_read_as_data_and_refused(scratch, change):
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    change.edit(TENANT, "name: sandbox", f"name: sandbox\n{bomb}")
    change.write(NEW_TENANT, "!!python/object/apply:os.system ['touch /tmp/" + MARKER + "']\n")
    head = change.push()
    with hub(head) as github:
        jobs = act(scratch, head, github)
        assert results(jobs)["preview"] == "skipped"
        assert "anchors are not allowed" in github.comments[0]["body"]
    assert ran(scratch) == []


def test_what_was_pushed_after_the_label_is_not_previewed(scratch, change):
    change.edit(TENANT, "maximum_replicas: 3", "maximum_replicas: 4")
    head = change.push()
    change.edit(TENANT, "maximum_replicas: 4", "maximum_replicas: 9")
    later = change.push()
    with hub(later) as github:
        jobs = act(scratch, head, github)
        assert results(jobs) == {"scope": "failure", "preview": "skipped", "comment": "skipped"}
        assert "has moved on" in jobs["scope"].log
        assert github.comments == []

    # It may move on while a code owner is asked, too.
    with hub(later) as github:

        def lets_in(environment):
            if environment == "preview":
                github.head = "0" * 40
            return True

        jobs = act(scratch, later, github, lets_in=lets_in)
        assert results(jobs) == {"scope": "success", "preview": "failure", "comment": "failure"}
        assert github.comments == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"role": "triage"}, f"{ASKER} set the label and is triage here"),
        ({"role": "read"}, "is read here"),
        ({"state": "closed"}, "is closed"),
        ({"labels": ["other"]}, "no longer has the label"),
    ],
)
def test_whoever_may_not_push_cannot_ask(scratch, change, given, says):
    change.edit(TENANT, "maximum_replicas: 3", "maximum_replicas: 4")
    head = change.push()
    with hub(head) as github:
        vars(github).update(given)
        jobs = act(scratch, head, github)
        assert results(jobs) == {"scope": "failure", "preview": "skipped", "comment": "skipped"}
        assert says in jobs["scope"].log
        assert github.comments == []


def test_nothing_is_looked_at_that_no_code_owner_let_in(scratch, change):
    change.edit(TENANT, "maximum_replicas: 3", "maximum_replicas: 4")
    head = change.push()
    with hub(head) as github:
        jobs = act(scratch, head, github, lets_in=lambda environment: environment != "preview")
        assert results(jobs)["preview"] == "failure"
        assert jobs["preview"].log == ""


def test_another_label_starts_nothing(scratch, change):
    change.edit(TENANT, "maximum_replicas: 3", "maximum_replicas: 4")
    head = change.push()
    with hub(head) as github:
        assert set(results(act(scratch, head, github, label="bug")).values()) == {"skipped"}
        assert github.asked == []


def test_every_kind_of_change_is_told_by_the_command_and_nothing_is_touched(scratch, change):
    change.edit(TENANT, "maximum_replicas: 3", "maximum_replicas: 6")
    change.edit(TENANT, "database: pool-a", "database: pool-a # here")
    change.edit("cells/dev-eu-west-1.yaml", "cidr: 10.16.0.0/16", "cidr: 10.200.0.0/16")
    (change.root / "tenants/fernhill.yaml").unlink()
    text = (change.root / TENANT).read_text().replace("sandbox", "northwind")
    change.write(NEW_TENANT, text)
    change.write("docs/words.md", "words\n")
    head = change.push()
    scratch.git("fetch", "--quiet", "origin", head)
    ended = scratch.run("deliver", "preview", head, "--state", str(scratch.state), "--json")
    assert ended.code == 0, ended.said
    scope, *stacks = json.loads(ended.out)
    assert scope["new"] == ["tenant.northwind"]
    assert scope["gone"] == ["tenant.fernhill"]
    assert scope["ignored"] == ["docs/words.md"]
    found = {each["stack"]: each for each in stacks}
    assert found.keys() == {"cell.dev-eu-west-1", "tenant.sandbox"}
    network = [
        each for each in found["cell.dev-eu-west-1"]["changes"] if each["type"].endswith(":Vpc")
    ]
    assert [(each["operation"], each["forced_by"]) for each in network] == [
        ("replace", ["cidrBlock"])
    ]
    lines = scratch.run("deliver", "preview", head, "--state", str(scratch.state))
    assert "~ HorizontalPodAutoscaler" in lines.out, lines.out
    assert "(replaced because of cidrBlock)" in lines.out
    assert "tenant.northwind: new, so that all of it would be created" in lines.out
    sandbox = scratch.run("drift", "--cell", "dev-eu-west-1", "--state", str(scratch.state))
    assert sandbox.code == 0, sandbox.said


def test_a_preview_runs_merged_code_alone(scratch):
    scratch.git("switch", "--quiet", "--create", "mine")
    try:
        scratch.edit(TENANT, ("maximum_replicas: 3", "maximum_replicas: 7"))
        commit = scratch.commit("Mine")
        ended = scratch.run("deliver", "preview", commit, "--state", str(scratch.state))
        assert ended.code == 3
        assert "is not merged into main" in ended.err
    finally:
        scratch.git("switch", "--quiet", "main")
    unknown = scratch.run("deliver", "preview", "no-such", "--state", str(scratch.state))
    assert (unknown.code, "there is no commit 'no-such'" in unknown.err) == (3, True)
