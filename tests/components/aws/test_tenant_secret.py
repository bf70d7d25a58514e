"""Tenants' secrets, read off the graph."""

import pytest
from foundations import (
    ACCOUNT,
    KEY,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)

from components.aws.tenant_secret import Secret

HOSTILE = "a!b@c$d()e*_,/:;=?"


def secret(opts, **changes):
    arguments = {
        "secret_name": "prod-eu-west-1/umbrella/database",
        "description": "How umbrella's services log in",
        "key_arn": KEY,
        "value": HOSTILE,
        "accounts": (ACCOUNT,),
        **changes,
    }
    return Secret("login", **arguments, opts=opts)


@pytest.fixture(scope="module")
def graph():
    return evaluate(secret)


def test_the_value_is_a_secret_though_it_was_given_in_plain(graph):
    assert graph.named("login-version").secrets == ("secretString",)


def test_the_secret_is_kept_under_the_owners_key(graph):
    found = graph.named("login-secret")
    assert found.inputs["kmsKeyId"] == KEY
    assert found.inputs["recoveryWindowInDays"] == 30
    assert found.protect
    assert found.retain_on_delete


def test_plain_http_and_other_accounts_are_denied(graph):
    found = statements(graph.named("login-policy"))
    assert found["OnlyOverTls"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    others = found["OnlyOurAccounts"]
    assert others["Effect"] == "Deny"
    assert others["Condition"]["StringNotEquals"] == {"aws:PrincipalAccount": [ACCOUNT]}
    assert graph.named("login-policy").inputs["blockPublicPolicy"] is True


def test_the_value_enters_only_once_the_secret_is_closed(graph):
    assert graph.named("login-policy").urn in graph.named("login-version").dependencies


@pytest.mark.parametrize(
    "changes",
    [{"recovery_window_days": 0}, {"recovery_window_days": 31}, {"accounts": ()}],
)
def test_a_secret_that_could_vanish_or_that_nobody_may_read_is_refused(changes):
    with pytest.raises(Exception, match="prod-eu-west-1/umbrella/database"):
        evaluate(lambda opts: secret(opts, **changes))


def test_the_resources_are_the_same_before_anything_is_known():
    assert_the_same_resources_without_known_outputs(secret)
