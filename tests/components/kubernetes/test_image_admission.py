"""Which images the admission policy lets tenants' pods run, read off the graphs of a cell."""

import re

import pytest
from kubernetes_programs import pod_specs

from catalog.load import find_root, load
from components.kubernetes.image_admission import LISTS, POLICY, allowed_images
from components.kubernetes.namespace import TENANT_LABEL
from rehearsal.evaluation import Evaluation

CATALOG = load(find_root())
REGISTRY = CATALOG.organization.registry
DIGEST = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def graphs():
    evaluation = Evaluation(CATALOG)
    return evaluation.evaluate("cell.dev-eu-west-1"), evaluation.evaluate("tenant.sandbox")


@pytest.fixture(scope="module")
def declared(graphs):
    cell, _ = graphs
    kinds = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    (policy,), (binding,) = (
        cell.of_type(f"kubernetes:admissionregistration.k8s.io/v1:{kind}") for kind in kinds
    )
    return policy.inputs["spec"], binding.inputs["spec"]


def test_every_image_of_a_tenant_and_of_its_pooler_is_let_in(graphs):
    images = {
        container["image"]
        for spec in pod_specs(graphs[1]).values()
        for each in LISTS
        for container in spec.get(each, ())
    }
    assert len(images) > 1
    assert all(re.search(allowed_images(REGISTRY), image) for image in images)


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        f"{REGISTRY}/platform/gateway:1.2.3",
        f"{REGISTRY}/platform/gateway@sha256:{DIGEST[:-1]}",
        f"{REGISTRY}/platform/gateway@sha256:{DIGEST}0",
        f"docker.io/platform/gateway@sha256:{DIGEST}",
        f"evil.example/{REGISTRY}/platform/gateway@sha256:{DIGEST}",
        f"{REGISTRY.replace('.', 'x', 1)}/platform/gateway@sha256:{DIGEST}",
        f"{REGISTRY}.evil.example/platform/gateway@sha256:{DIGEST}",
    ],
)
def test_images_from_elsewhere_or_by_tag_are_not(image):
    assert not re.search(allowed_images(REGISTRY), image)


def test_every_kind_of_container_is_held_to_it_when_made_and_when_changed(declared):
    policy, _ = declared
    assert policy["failurePolicy"] == "Fail"
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert set(rule["operations"]) == {"CREATE", "UPDATE"}
    assert set(rule["resources"]) == {"pods", "pods/ephemeralcontainers"}
    for each, validation in zip(LISTS, policy["validations"], strict=True):
        assert f"object.spec.{each}.all(" in validation["expression"]
        assert allowed_images(REGISTRY) in validation["expression"]


def test_it_denies_in_tenants_namespaces_and_in_no_other(declared, graphs):
    _, binding = declared
    assert binding["policyName"] == POLICY
    assert binding["validationActions"] == ["Deny", "Audit"]
    (selected,) = binding["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert selected == {"key": TENANT_LABEL, "operator": "Exists"}
    (namespace,) = graphs[1].of_type("kubernetes:core/v1:Namespace")
    assert namespace.inputs["metadata"]["labels"][TENANT_LABEL] == "sandbox"
    for other in graphs[0].of_type("kubernetes:core/v1:Namespace"):
        assert TENANT_LABEL not in other.inputs["metadata"]["labels"]
