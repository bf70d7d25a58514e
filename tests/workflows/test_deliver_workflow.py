"""The steps of `deliver`, read from the workflow, take commits of a scratch repository through.

Bash, git, the command, PostgreSQL and moto are real, and the code that runs is the commit's. What
GitHub does between steps is the test's: see `acting`.
"""

import json
import os
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from acting import Acting
from scratch import Scratch

from delivery.lease import leased
from delivery.table import DeliveryRecords
from stacks.organization_reviews import doors

WORKFLOW = Path(".github/workflows/deliver.yml")
TESTER = {"login": "tess-ter"}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    made = Scratch.made_in(tmp_path_factory.mktemp("deliver"))
    # It asks every resource of staging once more, as the test of the workflow `drift` does of dev.
    text = (made.root / "qa/release.yaml").read_text()
    start, end = text.index("  settled:"), text.index("  canary-serves:")
    (made.root / "qa/release.yaml").write_text(text[:start] + text[end:])
    made.commit("Leave out what takes long")
    try:
        assert made.run("rehearse", "organization", "--state", str(made.state)).code == 0
        yield made
    finally:
        made.cloud.reset()


@contextmanager
def github(reviews):
    """GitHub's API, as far as the workflow asks it: the reviews of its own run."""
    asked = []

    class Api(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Authorization"]))
            body = json.dumps(reviews).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def deliver(scratch, *, run="1", approves=True, comment="fine"):
    """One run of the workflow for the commit that is checked out."""
    reviewed = {
        "state": "approved" if approves else "rejected",
        "comment": comment,
        "environments": [{"id": 7, "name": "hands-on-qa"}],
        "user": TESTER,
    }
    with github([reviewed]) as (api, asked):
        jobs = Acting(
            scratch.root / WORKFLOW,
            scratch.root,
            scratch.variables(),
            {
                "sha": scratch.head,
                "repository": "halyard-integrations/platform",
                "server_url": "https://github.example",
                "api_url": api,
                "run_id": run,
                "run_attempt": "1",
                "token": "the-token",
            },
            lets_in=lambda environment: approves or environment != "hands-on-qa",
        ).run()
    return jobs, asked


def results(jobs):
    return {name: job.result for name, job in jobs.items()}


def status(scratch):
    ended = scratch.run("deliver", "status", "--json")
    assert ended.code == 0, ended.said
    return json.loads(ended.out)


def brought_up(job):
    """The stacks that a job's log says were brought up."""
    return {line.split()[0] for line in job.log.splitlines() if " done after " in line}


def alarm(scratch, state):
    cell = scratch.load().cells["dev-eu-west-1"]
    client = scratch.cloud.aws("cloudwatch", cell.account, cell.region)
    name = "dev-eu-west-1-pool-a-deadlocks"
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="the test says so")


def test_a_change_goes_from_its_commit_to_the_production_cells(scratch):
    jobs, asked = deliver(scratch)
    assert set(results(jobs).values()) == {"success"}, jobs
    assert list(jobs) == [
        "plan", "dev", "staging", "hands-on-qa", "approval", "canary", "rest",
    ]  # fmt: skip
    for job, tenant in (("dev", "sandbox"), ("canary", "goldfields-mining"), ("rest", "fernhill")):
        assert f"tenant.{tenant}" in brought_up(jobs[job])
    assert asked == [
        ("/repos/halyard-integrations/platform/actions/runs/1/approvals", "Bearer the-token")
    ]
    found = status(scratch)
    assert set(found["waves"]) == {"organization", "dev", "staging", "canary", "rest"}
    assert {name: check["passed"] for name, check in found["checks"].items()} == {
        "smoke": True,
        "quality": True,
        "canary-serves": True,
    }
    assert found["approvals"]["hands-on-qa"]["by"] == ["tess-ter"]
    assert {name: each["commit"] for name, each in found["environments"].items()} == dict.fromkeys(
        ("organization", "dev", "staging", "prod"), scratch.head
    )
    assert found["leases"] == []
    assert found["missing"] == {wave: [] for wave in found["missing"]}


def test_what_production_has_is_released_with_evidence_bill_and_sums(scratch, tmp_path):
    program, noted = tmp_path / "gh", tmp_path / "noted"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{noted}"\n')
    program.chmod(0o755)
    with github([]) as (api, _):
        acting = Acting(
            scratch.root / ".github/workflows/release.yml",
            scratch.root,
            scratch.variables(PATH=f"{tmp_path}:{os.environ['PATH']}"),
            {"sha": scratch.head, "api_url": api, "token": "the-token"},
            inputs={"version": "1.4.0"},
        )
        jobs = acting.run()
    assert results(jobs) == {"release": "success"}, jobs
    asked = noted.read_text().splitlines()
    assert asked[:5] == ["release", "create", "v1.4.0", "--target", scratch.head]
    made = {Path(each).name for each in asked if each.startswith("dist/")}
    assert made == {"SHA256SUMS", "evidence.json", "platform-1.4.0.tar.gz", "sbom.cdx.json"}
    sums = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=scratch.root / "dist", check=False
    )
    assert sums.returncode == 0
    evidence = json.loads((scratch.root / "dist" / "evidence.json").read_text())
    assert evidence["commit"] == scratch.head
    noted.unlink()
    acting.inputs, acting.jobs = {"version": "1.4"}, {}
    assert results(acting.run()) == {"release": "failure"}
    assert not noted.exists()
    scratch.git("clean", "-fdq")


def test_a_failing_smoke_test_stops_in_dev_and_a_re_run_goes_on_to_a_rejection(scratch):
    before = status(scratch)["environments"]["prod"]["commit"]
    scratch.edit("tenants/sandbox.yaml", ("minimum_replicas: 1", "minimum_replicas: 2"))
    scratch.edit("tenants/brightwater-staging.yaml", ("minimum_replicas: 2", "minimum_replicas: 3"))
    commit = scratch.commit("More replicas")
    alarm(scratch, "ALARM")
    jobs, _ = deliver(scratch, run="2")
    assert results(jobs) == {
        "plan": "success",
        "dev": "failure",
        **dict.fromkeys(("staging", "hands-on-qa", "approval", "canary", "rest"), "skipped"),
    }
    assert "dev-eu-west-1-pool-a-deadlocks" in jobs["dev"].log
    assert "to go on: mend it in another commit" in jobs["dev"].log
    assert status(scratch)["environments"]["staging"]["commit"] == before

    alarm(scratch, "OK")
    jobs, _ = deliver(scratch, run="3", approves=False, comment="The designer is blank")
    assert brought_up(jobs["dev"]) == set()
    assert brought_up(jobs["staging"]) == {"tenant.brightwater-staging"}
    assert results(jobs) == {
        **dict.fromkeys(("plan", "dev", "staging"), "success"),
        **dict.fromkeys(("hands-on-qa", "approval"), "failure"),
        **dict.fromkeys(("canary", "rest"), "skipped"),
    }
    found = status(scratch)
    assert found["environments"]["prod"]["commit"] == before != commit
    assert found["missing"]["canary"] == [
        "tess-ter rejected it in hands-on-qa: The designer is blank"
    ]
    for command in (("deliver", "up", "--wave", "canary"), ("release", "check")):
        refused = scratch.run(*command)
        assert refused.code == 3
        assert "The designer is blank" in refused.said
    again = scratch.run("release", "approve", commit, "hands-on-qa", "--by", "Somebody Else")
    assert again.code == 3
    assert "tess-ter rejected" in again.err


def test_deliveries_at_once_come_one_after_the_other_and_the_older_gives_way(scratch):
    older = scratch.head
    scratch.edit("tenants/sandbox.yaml", ("minimum_replicas: 2", "minimum_replicas: 1"))
    newer = scratch.commit("As many replicas as before")
    organization = scratch.load().organization
    client = scratch.cloud.aws(
        "dynamodb", organization.accounts.management, organization.home_region
    )
    records = DeliveryRecords(organization, client)
    assert scratch.run("deliver", "up", "--wave", "organization").code == 0
    with leased(records, "dev", holder="the other", commit=older, wait=0):
        refused = scratch.run("deliver", "up", "--wave", "dev", "--wait", "0")
        assert refused.code == 3
        assert f"dev is being changed by the delivery of {older[:10]} (the other)" in refused.err
        waiting = scratch.begin("deliver", "up", "--wave", "dev", "--wait", "900")
        lines = iter(waiting.stderr.readline, "")
        assert any("waiting: dev is being changed" in line for line in lines)
        assert waiting.poll() is None
    _, rest = waiting.communicate(timeout=1200)
    assert waiting.returncode == 0, rest
    assert f"dev has {newer[:10]}" in rest

    scratch.git("checkout", "--quiet", older)
    late = scratch.run("deliver", "up", "--wave", "dev")
    scratch.git("checkout", "--quiet", "main")
    assert late.code == 3
    assert f"dev has {newer[:10]} already" in late.err


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda s: (s.root / "stray.yaml").write_text(""), "differs from its commit: stray.yaml"),
        (lambda s: s.git("checkout", "--quiet", "HEAD~1"), "the checkout is at"),
    ],
)
def test_a_checkout_that_is_not_the_commit_is_refused(scratch, spoil, says):
    commit = scratch.head
    spoil(scratch)
    refused = scratch.run("deliver", "plan", commit)
    (scratch.root / "stray.yaml").unlink(missing_ok=True)
    scratch.git("checkout", "--quiet", "main")
    assert refused.code == 3
    assert says in refused.err


def test_a_commit_that_was_not_merged_is_refused(scratch):
    scratch.git("checkout", "--quiet", "-b", "mine")
    scratch.git("commit", "--quiet", "--allow-empty", "--message", "Unreviewed")
    refused = scratch.run("deliver", "up")
    scratch.git("checkout", "--quiet", "main")
    assert refused.code == 3
    assert "is not merged into main" in refused.err


def test_the_environments_that_ask_people_are_those_the_organization_declares(scratch):
    organization = scratch.load().organization
    asking = {name for name, door in doors(organization).items() if door.reviewers}
    assert {"hands-on-qa", "prod"} <= asking
