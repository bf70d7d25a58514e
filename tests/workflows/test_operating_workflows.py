"""The steps of workflows that operate what was delivered, read from their files, on one dev cell.

Bash, git, the command, PostgreSQL, PgBouncer and moto are real; what GitHub does is the test's.
"""

import json

import pytest
from acting import Acting
from scratch import Scratch

pytestmark = pytest.mark.needs_pgbouncer

CELL = "dev-eu-west-1"
TENANT = "sandbox"
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
