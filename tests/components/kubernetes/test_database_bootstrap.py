"""The bootstrap job keeps the master password in memory, and its scripts really work."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes_programs import cell, objects, pod_specs

from components.kubernetes.bootstrap_scripts import MASTER_LOGIN, MOVER_LOGIN
from rehearsal.evaluation import evaluate_program

if TYPE_CHECKING:
    from pathlib import Path

# What RDS draws managed passwords from: printable ASCII but / @ " and space.
MANAGED = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='/@"'),
    min_size=8,
    max_size=40,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs the real script with a stand-in for the AWS CLI alone; returns the files it made."""
    directory = tmp_path_factory.mktemp("bootstrap")
    cli = directory / "aws"
    cli.write_text('#!/bin/sh\necho "$@" > "$CREDENTIALS/arguments"\ncat "$ANSWER"\n')
    cli.chmod(0o755)
    answer, script = directory / "answer", directory / "master-login.sh"
    script.write_text(MASTER_LOGIN)

    def execute(secret: str) -> tuple[subprocess.CompletedProcess[str], Path]:
        answer.write_text(secret + "\n")
        environment = {
            "PATH": f"{directory}:{os.environ['PATH']}",
            "ANSWER": str(answer),
            "CREDENTIALS": str(directory),
            "MASTER_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:x",
        }
        done = subprocess.run(
            ["/bin/bash", str(script)], env=environment, capture_output=True, text=True, check=False
        )
        return done, directory

    return execute


def read_password_file(line: str) -> list[str]:
    """The fields of a .pgpass line, as libpq takes them apart."""
    fields, rest = [""], iter(line.rstrip("\n"))
    for character in rest:
        if character == "\\":
            fields[-1] += next(rest)
        elif character == ":":
            fields.append("")
        else:
            fields[-1] += character
    return fields


@settings(max_examples=25)
@given(MANAGED, st.booleans())
def test_any_managed_password_reaches_the_password_file_as_it_is(run, password, spaced):
    separators = (", ", ": ") if spaced else (",", ":")
    secret = json.dumps({"username": "patchworks", "password": password}, separators=separators)
    done, directory = run(secret)
    assert done.returncode == 0, done.stderr
    assert read_password_file((directory / "pgpass").read_text()) == ["*"] * 4 + [password]
    assert (directory / "username").read_text() == "patchworks"


@pytest.mark.parametrize("password", ["a:b\\c", "\\u0041", "%s%d", "$(id)`id`", "'x'", "&<>", "-n"])
def test_a_hostile_password_is_neither_run_nor_changed(run, password):
    done, directory = run(json.dumps({"username": "u", "password": password}))
    assert done.returncode == 0, done.stderr
    assert read_password_file((directory / "pgpass").read_text())[-1] == password


def test_the_password_file_is_its_owner_s_alone_and_nothing_is_printed(run):
    done, directory = run('{"username":"u","password":"hunter2hunter2"}')
    assert (directory / "pgpass").stat().st_mode & 0o077 == 0
    assert done.stdout + done.stderr == ""
    assert "hunter2" not in (directory / "arguments").read_text()


@pytest.mark.parametrize("secret", ["", "{}", '{"username":"u"}', '{"password":"p"}'])
def test_a_secret_that_lacks_something_fails_the_job_and_says_what(run, secret):
    done, _ = run(secret)
    assert done.returncode != 0
    assert "the master secret has no" in done.stderr


MANAGER = """#!/bin/bash
# Secrets Manager's part in this: one secret, whose value is a file or is not there.
set -eu
echo "$@" >> "$STORE/arguments"
case "$2" in
  get-secret-value)
    [ -e "$STORE/fault" ] && { cat "$STORE/fault" >&2; exit 254; }
    [ -e "$STORE/value" ] || {
      echo "An error occurred (ResourceNotFoundException) when calling GetSecretValue" >&2
      exit 254
    }
    cat "$STORE/value" ;;
  get-random-password) printf 'Drawn%s\\n' "$RANDOM" ;;
  put-secret-value) cp "${6#file://}" "$STORE/value" ;;
esac
"""


@pytest.fixture
def log_in(tmp_path):
    """Runs the real script of movers' login on a store that starts without a value."""
    store, credentials = tmp_path / "store", tmp_path / "credentials"
    (tmp_path / "aws").write_text(MANAGER)
    (tmp_path / "aws").chmod(0o755)
    (tmp_path / "mover-login.sh").write_text(MOVER_LOGIN)
    store.mkdir()

    def execute():
        credentials.mkdir(exist_ok=True)
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "STORE": str(store),
            "CREDENTIALS": str(credentials),
            "MOVER_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:mover",
        }
        return subprocess.run(
            ["/bin/bash", str(tmp_path / "mover-login.sh")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return execute, store, credentials / "mover"


def test_movers_password_is_drawn_once_kept_and_shown_to_nobody(log_in):
    execute, store, password = log_in
    first = execute()
    assert first.returncode == 0, first.stderr
    drawn = password.read_text()
    assert drawn.startswith("Drawn")
    assert (store / "value").read_text() == drawn
    assert password.stat().st_mode & 0o077 == 0
    assert execute().returncode == 0
    assert password.read_text() == drawn
    assert drawn not in (store / "arguments").read_text() + first.stdout + first.stderr


@pytest.mark.parametrize("value", ["", "p'w", "two words", "$(id)", "-c x=y", "ü"])
def test_a_password_that_somebody_put_there_is_refused_unless_it_is_letters_and_digits(
    log_in, value
):
    execute, store, password = log_in
    (store / "value").write_text(value)
    refused = execute()
    assert refused.returncode != 0
    assert "letters and digits" in refused.stderr
    assert not password.exists()


def test_a_secret_that_may_not_be_read_is_not_replaced(log_in):
    execute, store, password = log_in
    (store / "value").write_text("theirs")
    (store / "fault").write_text("An error occurred (AccessDeniedException)")
    refused = execute()
    assert refused.returncode != 0
    assert "AccessDenied" in refused.stderr
    assert (store / "value").read_text() == "theirs"
    assert not password.exists()


def test_the_job_holds_no_secret_ends_by_itself_and_stays_for_whoever_compares():
    graph = evaluate_program(cell)
    job = objects(graph)["pool-a-bootstrap-job"]
    assert "ttlSecondsAfterFinished" not in job["spec"]
    assert job["spec"]["activeDeadlineSeconds"] > 0
    pod = pod_specs(graph)["pool-a-bootstrap-job"]
    assert pod["restartPolicy"] == "Never"
    assert pod["serviceAccountName"] == "pool-a-bootstrap"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["credentials"]["emptyDir"]["medium"] == "Memory"
    variables = {
        variable["name"]: variable["value"]
        for container in (*pod["initContainers"], *pod["containers"])
        for variable in container["env"]
    }
    assert variables["PGSSLMODE"] == "verify-full"
    assert variables["MASTER_SECRET_ARN"].startswith("arn:aws:secretsmanager:")
    assert not {name for name in variables if "PASSWORD" in name or name == "PGUSER"}
    assert graph.named("pool-a-bootstrap-job").secrets == ()


def test_the_job_waits_for_its_network_policy_and_is_named_by_what_it_runs():
    graph = evaluate_program(cell)
    job = graph.named("pool-a-bootstrap-job")
    assert graph.named("pool-a-bootstrap-network-policy").urn in job.dependencies
    name = job.inputs["metadata"]["name"]
    assert name.startswith("pool-a-bootstrap-")
    assert len(name) <= 63
