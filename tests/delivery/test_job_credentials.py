"""A job's roles by profiles: the real command asked by boto3, moto for AWS, a server for GitHub."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer

from catalog.load import find_root, load

TOKEN = 't\'o "k" %41@:/$;e n'
ROOT = find_root()


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def github():
    """Who a job is, said to whoever has the job's own token."""
    asked, answers = [], {"status": 200, "body": {"value": "a.web.identity"}}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(parse_qs(urlsplit(self.path).query))
            right = self.headers["Authorization"] == "Bearer the-job"
            self.send_response(answers["status"] if right else 401)
            self.end_headers()
            self.wfile.write(json.dumps(answers["body"]).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.asked, server.answers = asked, answers
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def job(moto, github):
    """The environment of a job that GitHub gives an identity."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": moto,
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{github.server_port}/token?a=b",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-job",
        "GITHUB_RUN_ID": "77",
    }


def deliver(job, *arguments):
    return subprocess.run(
        [Path(sys.executable).with_name("patchworks"), "deliver", *arguments],
        cwd=ROOT,
        env=job,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_each_profile_takes_its_own_role_whatever_credentials_are_at_hand(
    job, github, tmp_path, monkeypatch
):
    written = deliver(job, "profiles", "prod")
    assert written.returncode == 0, written.stderr
    file = tmp_path / "pro files"
    file.write_text(written.stdout)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "")
    for name in ("AWS_ENDPOINT_URL", *(name for name in job if name.startswith("ACTIONS_"))):
        monkeypatch.setenv(name, job[name])
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    account = load(ROOT).organization.accounts.prod
    for profile, role in (
        ("deploy", "halyard-ci-deploy-prod"),
        ("tenant-mover", "halyard-ci-tenant-mover-prod"),
    ):
        sts = boto3.Session(profile_name=profile).client("sts")
        arn = sts.get_caller_identity()["Arn"]
        assert arn.startswith(f"arn:aws:sts::{account}:assumed-role/{role}/github-"), arn
        assert sts.meta.region_name == load(ROOT).organization.home_region
    assert {each["audience"][0] for each in github.asked} == {"sts.amazonaws.com"}
    assert {each["a"][0] for each in github.asked} == {"b"}


def test_the_session_says_when_it_ends(job):
    printed = json.loads(deliver(job, "credentials", "dev", "--role", "tenant-mover").stdout)
    assert printed["Version"] == 1
    assert {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"} < printed.keys()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": TOKEN}, "GitHub answered 401"),
        ({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}, "id-token: write"),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:1/x?y=z"}, "does not say who"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS does not let this job take"),
    ],
)
def test_what_is_refused_is_said_without_the_token(job, change, says):
    ended = deliver({**job, **change}, "credentials", "prod")
    assert ended.returncode == 3
    assert says in ended.stderr
    assert ended.stdout == ""
    for secret in (TOKEN, "the-job", "a.web.identity"):
        assert secret not in ended.stderr


def test_an_answer_that_names_nobody_is_no_identity(job, github):
    github.answers["body"] = ["?"]
    ended = deliver(job, "credentials", "prod")
    assert (ended.returncode, ended.stdout) == (3, "")


def test_there_is_no_such_role_for_the_management_account(job):
    assert deliver(job, "credentials", "management").returncode == 2
    assert deliver(job, "profiles", "management").returncode == 2
