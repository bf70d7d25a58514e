"""What each right of a company's people allows, and that none reaches beyond the namespace."""

from __future__ import annotations

from itertools import pairwise

import pytest
from kubernetes_programs import COMPANY, objects, tenant_slice

from components.kubernetes.access import rules
from rehearsal.evaluation import evaluate_program

WRITING = {"create", "update", "patch", "delete", "deletecollection"}
GUARDED = {
    "roles",
    "rolebindings",
    "networkpolicies",
    "resourcequotas",
    "limitranges",
    "serviceaccounts",
    "serviceaccounts/token",
}


def granted(right: str) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules(right)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_each_right_includes_the_one_before_it():
    for less, more in pairwise(("view", "operate", "administer")):
        assert granted(less) < granted(more)


@pytest.mark.parametrize("right", ["view", "operate"])
def test_secrets_and_shells_are_for_administrators_only(right):
    resources = {resource for _, resource, _ in granted(right)}
    assert not resources & {"secrets", "pods/exec", "pods/attach", "pods/portforward"}


def test_who_may_not_see_secrets_may_not_mount_them_either():
    changing = {(r, v) for _, r, v in granted("operate") if v in WRITING}
    assert changing == {
        ("pods", "delete"),
        ("pods/eviction", "create"),
        ("deployments/scale", "update"),
        ("deployments/scale", "patch"),
    }


def test_viewing_changes_nothing():
    assert not {verb for _, _, verb in granted("view")} & WRITING


def test_nobody_may_change_what_fences_the_tenant_in():
    assert not {(r, v) for _, r, v in granted("administer") if r in GUARDED and v in WRITING}


@pytest.mark.parametrize("right", ["view", "operate", "administer"])
def test_no_rule_has_a_wildcard(right):
    assert all("*" not in part for entry in granted(right) for part in entry)


def test_each_role_of_the_company_is_bound_to_its_google_group_in_the_namespace_alone():
    manifests = objects(evaluate_program(tenant_slice())).values()
    assert not [m for m in manifests if m["kind"].startswith("Cluster")]
    bindings = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "RoleBinding"}
    assert bindings.keys() == {f"company-{slug}" for slug in COMPANY.roles}
    for slug, role in COMPANY.roles.items():
        binding = bindings[f"company-{slug}"]
        assert binding["metadata"]["namespace"] == "tenant-acme"
        assert binding["roleRef"]["name"] == f"company-{role.rights}"
        assert [subject["name"] for subject in binding["subjects"]] == [role.group]
