"""`patchworks bootstrap` as a person runs it, on moto."""

import json

import pytest
from moto import mock_aws
from typer.testing import CliRunner

from catalog.load import find_root, load
from scripts.bootstrap import app
from scripts.exits import ExitCode


@pytest.fixture
def management(monkeypatch):
    monkeypatch.setenv("MOTO_ACCOUNT_ID", load(find_root()).organization.accounts.management)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


def run(*arguments):
    return CliRunner().invoke(app, [*arguments, "--copy-region", "eu-central-1"])


def test_without_make_it_says_what_is_missing_and_changes_nothing(management):
    first, second = run("management"), run("management")
    assert first.exit_code == second.exit_code == ExitCode.FAULTS
    assert "no bucket halyard-pulumi-state in eu-west-1" in first.stdout
    assert "nothing was changed; --make makes it" in first.stdout
    assert first.stdout == second.stdout


def test_credentials_of_another_account_are_refused(management):
    refused = run("prod", "--make")
    assert refused.exit_code == ExitCode.REFUSED
    assert "prod is 123456789012 in organization.yaml; nothing was changed" in refused.stderr


def test_a_copy_beside_the_states_is_wrong_usage(management):
    wrong = CliRunner().invoke(app, ["management", "--copy-region", "eu-west-1"])
    assert wrong.exit_code == ExitCode.USAGE
    assert "must lie in another region" in " ".join(wrong.stderr.replace("│", " ").split())


def test_json_tells_what_was_found_and_what_is_left(management):
    told = json.loads(run("management", "--json").stdout)
    assert told["account"] == "management"
    assert told["found"] == told["left"]
    assert told["found"]["the bucket halyard-pulumi-state in eu-west-1"]
