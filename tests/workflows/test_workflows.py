"""What holds of every workflow: read from the files as GitHub reads them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from catalog.load import find_root
from components.github.repository import ALLOWED_ACTIONS
from components.github.required_checks import REQUIRED_CHECKS
from stacks.cell import RUNNER_WORKFLOWS

ROOT = Path(find_root())
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {file.stem: yaml.safe_load(file.read_text()) for file in FILES}
JOBS = [
    (workflow, name, job)
    for workflow, content in WORKFLOWS.items()
    for name, job in content["jobs"].items()
]
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$")


def events(content):
    # YAML 1.1 takes the word `on` for true.
    on = content.get("on", content.get(True))
    return set([on] if isinstance(on, str) else on)


def test_every_required_check_is_a_job_that_each_pull_request_runs():
    content = WORKFLOWS["pull-request"]
    assert set(REQUIRED_CHECKS) <= {job.get("name", name) for name, job in content["jobs"].items()}
    trigger = content.get("on", content.get(True))["pull_request"] or {}
    # One that is left out for some paths never reports, and the pull request waits for ever.
    assert not {"paths", "paths-ignore", "branches"} & trigger.keys()
    for name in REQUIRED_CHECKS:
        assert "if" not in content["jobs"][name]


def test_a_command_that_fails_in_a_pipe_fails_its_step():
    for content in WORKFLOWS.values():
        assert content["defaults"]["run"]["shell"] == "bash"


def test_no_workflow_runs_foreign_code_with_the_repositorys_rights():
    """What has rights and is started by a pull request runs what the default branch has."""
    started = {
        name for name, content in WORKFLOWS.items() if "pull_request_target" in events(content)
    }
    assert started == {"preview"}
    content = WORKFLOWS["preview"]
    assert content.get("on", content.get(True)) == {"pull_request_target": {"types": ["labeled"]}}
    for job in content["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                # Without a ref it is the default branch; a login must not be left to what follows.
                assert "ref" not in step["with"]
                assert "repository" not in step["with"]
                assert step["with"]["persist-credentials"] is False
            # A commit and a number are all that is taken of it, and only as a variable.
            assert "github.event" not in step.get("run", "")
    text = (ROOT / ".github/workflows/preview.yml").read_text()
    taken = set(re.findall(r"github\.event[\w.]*", text))
    assert taken == {
        "github.event.label.name",
        "github.event.pull_request.head.sha",
        "github.event.pull_request.number",
        "github.event.sender.login",
    }
    assert "github.head_ref" not in text
    assert "secrets." not in text


def test_a_commit_that_another_run_names_is_gone_to_only_once_it_is_known_to_be_merged():
    """Whoever opens a pull request decides what the workflow of a run is called."""
    started = {name for name, content in WORKFLOWS.items() if "workflow_run" in events(content)}
    assert started == {"comment", "move-tenant"}
    for name in started:
        for job in WORKFLOWS[name]["jobs"].values():
            for before, step in enumerate(job["steps"]):
                if step.get("uses", "").startswith("actions/checkout@"):
                    branch = "${{ github.event.repository.default_branch }}"
                    assert step["with"].get("ref", branch) == branch
                if "git checkout" in step.get("run", ""):
                    assert step["run"].startswith('git merge-base --is-ancestor "$COMMIT" HEAD\n')
                    # Nothing of a checkout has run by then.
                    assert before == 1


def test_a_preview_has_rights_in_the_cloud_only_past_its_environment_and_writes_from_elsewhere():
    jobs = WORKFLOWS["preview"]["jobs"]
    with_identity = [name for name, job in jobs.items() if "id-token" in job["permissions"]]
    assert with_identity == ["preview"]
    assert jobs["preview"]["environment"] == "preview"
    assert "write" not in {v for k, v in jobs["preview"]["permissions"].items() if k != "id-token"}
    writing = [name for name, job in jobs.items() if "write" in job["permissions"].values()]
    assert writing == ["preview", "comment"]
    # Nobody can be asked to let a job in by whatever label there is.
    assert jobs["scope"]["if"] == "github.event.label.name == 'preview'"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_with_their_version_beside(file):
    for line in file.read_text().splitlines():
        if "uses:" in line and "./" not in line:
            assert PINNED.search(line), line


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_only_actions_that_the_repository_allows_are_used(file):
    for action in re.findall(r"uses: ([\w.-]+/[\w.-]+)", file.read_text()):
        if action.startswith("./"):
            continue
        allowed = [pattern.partition("@")[0] for pattern in ALLOWED_ACTIONS]
        assert action.startswith("actions/") or action in allowed


@pytest.mark.parametrize(("workflow", "name", "job"), JOBS, ids=lambda value: str(value)[:30])
def test_each_job_says_what_its_token_may_do_and_when_it_ends(workflow, name, job):
    assert WORKFLOWS[workflow]["permissions"] == {}
    assert isinstance(job["permissions"], dict)
    assert job["timeout-minutes"] <= 360


@pytest.mark.parametrize(("workflow", "name", "job"), JOBS, ids=lambda value: str(value)[:30])
def test_an_identity_in_the_cloud_is_got_only_behind_an_environment(workflow, name, job):
    if job["permissions"].get("id-token") == "write":
        assert "environment" in job


def test_pull_requests_have_no_credential_at_all():
    for job in WORKFLOWS["pull-request"]["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert "environment" not in job
    assert "secrets." not in (ROOT / ".github/workflows/pull-request.yml").read_text()


def test_what_runs_in_a_cell_is_of_a_workflow_that_the_cells_runners_serve():
    inside = {name for name, _, job in JOBS if "codebuild" in str(job["runs-on"])}
    assert inside == {"deliver", "drift", "move-tenant", "restore-test"}
    assert inside == set(RUNNER_WORKFLOWS)


def test_the_cli_that_jobs_install_is_of_the_sdks_version():
    action = (ROOT / ".github/actions/prepare/action.yml").read_text()
    (installed,) = re.findall(r"pulumi-version: (\S+)", action)
    assert f"\npulumi=={installed} " in (ROOT / "requirements.lock").read_text()


def test_jobs_that_deploy_come_through_the_environment_of_their_account():
    for _, _, job in JOBS:
        for step in job["steps"]:
            if step.get("uses") == "./.github/actions/prepare":
                given = step["with"]
                # A role that deploys nothing has a door of its own.
                assert job["environment"] == given.get("role", given["account"])


def test_zizmor_finds_nothing_even_when_pedantic():
    command = ["zizmor", "--offline", "--persona", "pedantic", "--no-progress", ".github"]
    program = Path(sys.executable).with_name("zizmor")
    ended = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_actionlint_finds_nothing():
    program = subprocess.run(
        [ROOT / ".ci" / "go-tool", "actionlint"], capture_output=True, text=True, check=True
    ).stdout.strip()
    ended = subprocess.run([program, *FILES], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
