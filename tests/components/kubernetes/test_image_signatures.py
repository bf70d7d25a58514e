"""Whose signatures a cell asks for, held against the controller's own schema and the catalog."""

import fnmatch
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from kubernetes_programs import pod_specs

from catalog.load import find_root, load
from components.kubernetes.image_signatures import SERVICE_ACCOUNT, signed_by
from components.kubernetes.namespace import TENANT_LABEL
from rehearsal.evaluation import Evaluation

ROOT = find_root()
CATALOG = load(ROOT)
ORGANIZATION = CATALOG.organization
MODULE = "github.com/sigstore/policy-controller"


@pytest.fixture(scope="module")
def graphs():
    evaluation = Evaluation(CATALOG)
    return evaluation.evaluate("cell.dev-eu-west-1"), evaluation.evaluate("tenant.sandbox")


@pytest.fixture(scope="module")
def policies(graphs):
    found = graphs[0].of_type("kubernetes:policy.sigstore.dev/v1beta1:ClusterImagePolicy")
    return {each.inputs["metadata"]["name"]: each for each in found}


def strict(schema):
    """A schema that refuses what the API server would silently drop."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    open_ended = made.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(made.get("properties"), dict) and made.get("type") == "object" and not open_ended:
        made.setdefault("additionalProperties", False)
    return made


@pytest.fixture(scope="module")
def schema():
    """Of the custom resource, from the controller's own module."""
    program = ROOT / ".ci" / "go-module"
    directory = subprocess.run(
        [program, MODULE], capture_output=True, text=True, check=True
    ).stdout.strip()
    text = (Path(directory) / "config" / "300-clusterimagepolicy.yaml").read_text()
    (definition,) = [each for each in yaml.safe_load_all(text) if each]
    versions = {each["name"]: each for each in definition["spec"]["versions"]}
    assert versions["v1beta1"]["served"]
    return strict(versions["v1beta1"]["schema"]["openAPIV3Schema"]["properties"]["spec"])


def test_every_policy_keeps_to_the_schema_of_the_controller(policies, schema):
    assert len(policies) == len(ORGANIZATION.signers)
    for policy in policies.values():
        jsonschema.validate(policy.inputs["spec"], schema)


def test_the_schema_would_find_a_misspelled_field(schema):
    signer = next(iter(ORGANIZATION.signers.values()))
    wrong = signed_by(ORGANIZATION.registry, "platform", signer)
    wrong["authorities"][0]["keyles"] = wrong["authorities"][0].pop("keyless")
    with pytest.raises(jsonschema.ValidationError, match="keyles"):
        jsonschema.validate(wrong, schema)


def test_each_image_of_a_tenant_is_of_exactly_one_signer_and_any_other_is_denied(graphs, policies):
    globs = [
        each["glob"] for policy in policies.values() for each in policy.inputs["spec"]["images"]
    ]
    images = {
        container["image"]
        for spec in pod_specs(graphs[1]).values()
        for each in ("containers", "initContainers")
        for container in spec.get(each, ())
    }
    for image in images:
        name = image.partition("@")[0]
        assert len([glob for glob in globs if fnmatch.fnmatchcase(name, glob)]) == 1
    assert values(graphs[0])["webhook"]["configData"] == {"no-match-policy": "deny"}


def values(graph):
    return graph.named("services-signatures-release").inputs["values"]


def test_a_signature_counts_only_of_the_named_workflow_and_when_it_is_logged(policies):
    for prefix, signer in ORGANIZATION.signers.items():
        spec = policies[f"patchworks-{prefix}"].inputs["spec"]
        assert spec["mode"] == "enforce"
        (authority,) = spec["authorities"]
        (identity,) = authority["keyless"]["identities"]
        # A regular expression would let in whatever merely looks alike.
        assert identity == {"issuer": signer.issuer, "subject": signer.subject}
        assert authority["ctlog"]["url"].startswith("https://")


def test_tenants_namespaces_are_asked_and_no_others_and_a_dead_controller_lets_nothing_in(graphs):
    webhook = values(graphs[0])["webhook"]
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["replicaCount"] == 2
    (selected,) = webhook["namespaceSelector"]["matchExpressions"]
    assert selected == {"key": TENANT_LABEL, "operator": "Exists"}


def test_the_controller_reads_the_organizations_registry_and_writes_none(graphs):
    (policy,) = [
        each
        for each in graphs[0].of_type("aws:iam/rolePolicy:RolePolicy")
        if each.name == "services-signatures-identity-policy"
    ]
    text = str(policy.inputs["policy"])
    assert f"{ORGANIZATION.accounts.management}:repository/*" in text
    assert "Put" not in text
    (association,) = [
        each
        for each in graphs[0].of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
        if each.inputs["serviceAccount"] == SERVICE_ACCOUNT
    ]
    assert association.inputs["namespace"] == "image-signatures"
