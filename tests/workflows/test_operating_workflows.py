"""The steps of workflows that operate what was delivered, read from their files, on one dev cell.

Bash, git, the command, PostgreSQL, PgBouncer and moto are real; what GitHub does is the test's.
"""

import json
import os
import tarfile
from datetime import UTC, datetime

import psycopg
import pytest
from acting import Acting
from scratch import Scratch
from tracker import tracking

pytestmark = pytest.mark.needs_pgbouncer

CELL = "dev-eu-west-1"
TENANT = "sandbox"
PRODUCTION = ("tenant.fernhill", "tenant.goldfields-mining")
SECOND_POOL = """  pool-b:
    engine_version: "17.5"
    serverless:
      minimum: 0.5
      maximum: 4
    backup_region: eu-central-1

vpn:"""
WAY = f"{TENANT}: {CELL}/pool-a to {CELL}/pool-b"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    made = Scratch.made_in(tmp_path_factory.mktemp("operate"))
    made.edit(f"cells/{CELL}.yaml", ("\n\nvpn:", f"\n{SECOND_POOL}"))
    made.commit("A second pool")
    try:
        assert made.run("rehearse", "organization", "--state", str(made.state)).code == 0
        brought = made.run("deliver", "up", "--wave", "organization", "--wave", "dev")
        assert brought.code == 0, brought.said
        yield made
    finally:
        made.cloud.reset()


def act(scratch, workflow, *, lets_in=lambda _environment: True, inputs=None, **github):
    """One run of a workflow of the default branch."""
    try:
        return Acting(
            scratch.root / ".github" / "workflows" / f"{workflow}.yml",
            scratch.root,
            scratch.variables(),
            {
                "sha": scratch.head,
                "repository": "halyard-integrations/platform",
                "server_url": "https://github.example",
                "run_id": "1",
                "run_attempt": "1",
                "token": "the-token",
                **github,
            },
            inputs=inputs or {},
            lets_in=lets_in,
        ).run()
    finally:
        scratch.git("checkout", "--quiet", "main")


def results(jobs):
    return {name: job.result for name, job in jobs.items()}


def declared_in(scratch, database):
    other = "pool-a" if database == "pool-b" else "pool-b"
    scratch.edit(f"tenants/{TENANT}.yaml", (f"database: {other}", f"database: {database}"))
    return scratch.commit(f"{TENANT} into {database}")


def moves(scratch, *options):
    ended = scratch.run("deliver", "moves", "--json", *options)
    assert ended.code == 0, ended.said
    return json.loads(ended.out)


def test_a_declared_placement_waits_for_its_delivery_and_then_moves_past_an_operator(scratch):
    assert moves(scratch) == []
    commit = declared_in(scratch, "pool-b")
    (waiting,) = moves(scratch)
    assert (waiting["way"], waiting["begun"]) == (WAY, False)
    assert "has not been brought up" in waiting["waits"]
    jobs = act(scratch, "move-tenant", event={"workflow_run": {"head_sha": commit}})
    assert results(jobs) == {"due": "success", "approval": "skipped", "tenant": "skipped"}

    delivered = scratch.run("deliver", "up", "--wave", "organization", "--wave", "dev")
    assert delivered.code == 0, delivered.said
    (due,) = moves(scratch)
    assert (due["cell"], due["environment"], due["waits"]) == (CELL, "dev", "")
    scratch.edit(f"tenants/{TENANT}.yaml", ("tier:", "suspended: unpaid since May\ntier:"))
    scratch.commit("Suspended")
    ended = scratch.run("deliver", "moves")
    assert ended.out.startswith(f"{WAY}: waits: {TENANT} is suspended: unpaid since May; ")
    scratch.edit(f"tenants/{TENANT}.yaml", ("suspended: unpaid since May\ntier:", "tier:"))
    scratch.commit("Paid")
    asked = []
    jobs = act(
        scratch,
        "move-tenant",
        lets_in=lambda environment: asked.append(environment) or environment != "tenant-moves",
    )
    assert results(jobs) == {"due": "success", "approval": "failure", "tenant": "skipped"}
    assert asked == ["dev", "tenant-moves"]
    assert WAY in jobs["due"].log

    # The runner dies on its way; the job that is run again goes on.
    scratch.environment["PATCHWORKS_TEST_KILL_AT"] = "tenant.expanded"
    jobs = act(scratch, "move-tenant")
    del scratch.environment["PATCHWORKS_TEST_KILL_AT"]
    assert results(jobs)["tenant"] == "failure"
    assert moves(scratch)[0]["begun"]
    jobs = act(scratch, "move-tenant", inputs={"command": "move", "tenant": TENANT})
    assert results(jobs) == dict.fromkeys(("due", "approval", "tenant"), "success"), jobs
    assert f"{CELL}/pool-b serves" in jobs["tenant"].log
    assert jobs["tenant"].environments == ["dev"]


def test_a_move_is_ended_by_the_same_workflow_and_leaves_nothing_to_do(scratch):
    assert moves(scratch, "--under-way")[0]["tenant"] == TENANT
    jobs = act(scratch, "move-tenant", inputs={"command": "finish", "tenant": TENANT})
    assert results(jobs) == dict.fromkeys(("due", "approval", "tenant"), "success"), jobs
    assert moves(scratch) == []
    again = act(scratch, "move-tenant", inputs={"command": "finish", "tenant": TENANT})
    assert results(again)["tenant"] == "skipped"


def test_code_that_is_not_merged_never_runs_whatever_run_names_its_commit(scratch, tmp_path):
    marker = tmp_path / "ran"
    scratch.git("switch", "--quiet", "--create", "mine")
    try:
        (scratch.root / "scripts" / "main.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
        commit = scratch.commit("Mine")
    finally:
        scratch.git("switch", "--quiet", "main")
    jobs = act(scratch, "move-tenant", event={"workflow_run": {"head_sha": commit}})
    assert results(jobs) == {"due": "failure", "approval": "skipped", "tenant": "skipped"}
    assert not marker.exists()


def scratch_servers(scratch):
    """Servers that a test of a restore has left."""
    return sorted((scratch.state / "restore-tests").glob("*/server.json"))


def fill(scratch):
    """A table with an odd name and values that are kept apart, as the tenant's application."""
    server = scratch.cloud.postgresql.find(f"{CELL}-pool-b.local", 0)
    with psycopg.connect(server.deployer_dsn(TENANT), autocommit=True) as session:
        session.execute(f"SET ROLE {TENANT}_owner".encode())
        session.execute('CREATE TABLE "o\'dd ""ü" (id int PRIMARY KEY, body text)')
        session.execute(
            'INSERT INTO "o\'dd ""ü" SELECT n, repeat(n::text, 3000) FROM generate_series(1, 50) n'
        )


def test_a_backup_is_restored_read_recorded_and_removed(scratch):
    fill(scratch)
    jobs = act(scratch, "restore-test", inputs={"stack": f"cell.{CELL}"})
    assert results(jobs) == {"stacks": "success", "restore": "success"}, jobs
    assert jobs["restore"].environments == ["dev"]
    assert f"whole  {CELL}-pool-b: 1 tables and 50 rows of {TENANT}" in jobs["restore"].log
    left = sorted((scratch.state / "restore-tests").glob("*/server.json"))
    assert left == []
    refused = act(scratch, "restore-test", inputs={"stack": "tenant.nobody"})
    assert results(refused) == {"stacks": "failure", "restore": "skipped"}


def drifting(scratch, tracker):
    """A night of `drift`."""
    jobs = act(
        scratch, "drift", event={"schedule": "23 2 * * *"}, api_url=tracker.address, run_id="7"
    )
    assert set(results(jobs).values()) == {"success"}, jobs
    return jobs


def test_a_stack_that_differs_has_an_issue_until_it_is_as_it_was_brought_up(scratch):
    # What was never brought up here differs, or can't be told without its cell.
    unknown = {"Drift: cell.staging-eu-west-1", "Drift: tenant.brightwater-staging"}
    for stack in ("cell.prod-ap-southeast-2", "cell.prod-us-east-1", *PRODUCTION):
        unknown.add(f"Drift: {stack} (settings)")
    with tracking() as tracker:
        jobs = drifting(scratch, tracker)
        assert jobs["look"].environments == ["dev", "staging"]
        assert set(jobs["settings"].environments) == {"drift"}
        assert tracker.open == unknown
        bodies = {issue["title"]: issue["body"] for issue in tracker.issues}
        assert "can't be told" in bodies["Drift: tenant.brightwater-staging"]

        scratch.edit(f"tenants/{TENANT}.yaml", ("minimum_replicas: 1", "minimum_replicas: 2"))
        scratch.commit("More replicas, which nobody delivers")
        drifting(scratch, tracker)
        assert tracker.open == {*unknown, f"Drift: tenant.{TENANT}"}
        assert "to update" in tracker.issues[-1]["body"]

        scratch.edit(f"tenants/{TENANT}.yaml", ("minimum_replicas: 2", "minimum_replicas: 1"))
        scratch.commit("As many as before")
        drifting(scratch, tracker)
        assert tracker.open == unknown
        number, comment = tracker.comments[-1]
        assert tracker.issues[number - 1]["title"] == f"Drift: tenant.{TENANT}"
        assert "actions/runs/7" in comment


def test_a_years_evidence_is_collected_signed_and_published(scratch, tmp_path):
    published = pretend_to_publish(scratch, tmp_path)
    year = str(datetime.now(UTC).year)
    with tracking() as tracker:
        tracker.add("Drift: tenant.sandbox")
        jobs = act(scratch, "evidence", inputs={"year": year}, api_url=tracker.address)
    assert results(jobs) == {"evidence": "success"}, jobs
    name, *arguments = published.read_text().splitlines()
    assert name.startswith(f"evidence-{year}-until-")
    assert f"dist/{name}.tar.gz" in arguments
    with tarfile.open(scratch.root / "dist" / f"{name}.tar.gz") as archive:
        files = {each.name.rpartition("/")[2]: each for each in archive.getmembers()}
        content = json.load(archive.extractfile(files["evidence.json"]))
        claims = json.load(archive.extractfile(files["access.json"]))
    assert {"SHA256SUMS", "access.json", "checklist.yaml", "report.md"} <= files.keys()
    assert [each["cluster"] for each in content["restore_tests"]] == [f"{CELL}-pool-b"]
    assert content["moves"][0]["why"] == "brought up for the first time"
    assert {each["tenant"] for each in content["moves"]} == {TENANT}
    assert [each["stack"] for each in content["drift"]] == ["tenant.sandbox"]
    assert all(claim["holds"] for claim in claims)
    for spoiled in ("0; id", f"{year}\nname=latest"):
        jobs = act(scratch, "evidence", inputs={"year": spoiled})
        assert results(jobs) == {"evidence": "failure"}


def pretend_to_publish(scratch, directory):
    """A `gh` that notes what it is asked to publish, a line each, and publishes nothing."""
    program, noted = directory / "gh", directory / "noted"
    program.write_text(f'#!/bin/sh\nshift 2\nprintf "%s\\n" "$@" > "{noted}"\n')
    program.chmod(0o755)
    scratch.environment["PATH"] = f"{directory}:{os.environ['PATH']}"
    return noted
