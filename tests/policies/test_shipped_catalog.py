"""The shipped catalog keeps to every policy, but for what it accepts for a while."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from catalog.load import find_root, load
from planning import policies, suppressions
from planning.findings import Finding
from policies import registry
from policies.rule import Rule

ACCEPTED = {
    "rule": "rights-are-named",
    "stacks": "organization",
    "resource": "*-deploy-policy",
    "reason": "A reason that is long enough.",
    "expires": "2030-01-01",
}
FOUND = Finding(
    origin="policy",
    rule="rights-are-named",
    severity="high",
    stack="organization",
    urn="urn:pulumi:organization::patchworks::aws:iam/rolePolicy:RolePolicy::prod-deploy-policy",
    message="policy allows everything",
    why="Because.",
)


def accepted_in(graph):
    catalog = load(find_root())
    return tuple(
        each.model_dump(mode="json")
        for each in catalog.organization.suppressions
        if each.is_for(graph.stack)
    )


@pytest.mark.parametrize(
    "stack",
    [
        *("organization", "cell.prod-eu-west-1", "tenant.brightwater", "tenant.aurelia-health"),
        "peering.prod-eu-west-1.prod-us-east-1",
    ],
)
def test_no_policy_finds_anything_that_is_not_accepted(graphs, stack):
    graph = replace(graphs[stack], suppressions=accepted_in(graphs[stack]))
    found = policies.findings(graph)
    assert [each.message for each in found if each.suppression is None] == []


def test_a_finding_that_is_accepted_says_why_and_until_when(graphs):
    graph = replace(graphs["organization"], suppressions=(ACCEPTED,))
    (marked,) = suppressions.applied([FOUND], graph, "policy", date(2029, 12, 31))
    assert marked.suppression.reason == ACCEPTED["reason"]
    assert marked.suppression.expires == date(2030, 1, 1)


def test_after_its_last_day_the_finding_is_back_and_the_suppression_is_one_too(graphs):
    graph = replace(graphs["organization"], suppressions=(ACCEPTED,))
    last = suppressions.applied([FOUND], graph, "policy", date(2030, 1, 1))
    assert [each.suppression is None for each in last] == [False]
    back, told = suppressions.applied(
        [FOUND], graph, "policy", date(2030, 1, 1) + timedelta(days=1)
    )
    assert back.suppression is None
    assert (told.rule, told.severity) == ("suppression-expired", "medium")
    assert "2030-01-01" in told.message


def test_a_suppression_that_covers_nothing_is_told_of(graphs):
    graph = replace(graphs["organization"], suppressions=({**ACCEPTED, "resource": "other"},))
    finding, told = suppressions.applied([FOUND], graph, "policy", date(2029, 1, 1))
    assert finding.suppression is None
    assert (told.rule, told.severity) == ("suppression-unused", "low")


def test_one_for_many_stacks_need_not_cover_something_in_each(graphs):
    graph = replace(
        graphs["tenant.brightwater"], suppressions=({**ACCEPTED, "stacks": "tenant.*"},)
    )
    assert suppressions.applied([], graph, "policy", date(2029, 1, 1)) == []


def test_a_rule_that_crashes_is_a_finding_and_the_others_go_on(graphs, monkeypatch):
    def stumbles(stack):
        raise ZeroDivisionError("a\nb")

    broken = Rule("policies.rule", severity="low", why="w.", remedy="r.", evaluate=stumbles)
    monkeypatch.setattr(policies, "rules", lambda: (broken, *registry.rules()))
    graph = replace(graphs["organization"], suppressions=())
    crash, *others = policies.findings(graph)
    assert (crash.rule, crash.severity) == ("rule", "high")
    assert crash.message == "the rule failed: ZeroDivisionError: a"
    assert {each.rule for each in others} == {"rights-are-named"}


def test_each_rule_says_what_it_is_why_it_exists_and_what_to_do():
    rules = registry.rules()
    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.sentence, rule.module
        assert rule.why.endswith("."), rule.name
        assert rule.remedy.endswith("."), rule.name
