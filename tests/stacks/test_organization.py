"""The organization's stack of the shipped catalog, read off its graph."""

import json
from pathlib import Path

import pytest
import yaml

from catalog.load import find_root, load
from rehearsal.evaluation import Evaluation, evaluate
from stacks.organization_regions import environment_regions, regions_in_use

ROOT = Path(find_root())
DOCUMENTS = ("assumeRolePolicy", "content", "inlinePolicy", "policy", "repositoryPolicy")

# IAM counts no white space, and the documents are written without any. Sources: IAM and STS
# quotas; Organizations quotas; IAM Identity Center quotas.
LIMITS = {
    "aws:iam/policy:Policy": 6144,
    "aws:iam/rolePolicy:RolePolicy": 10240,
    "aws:kms/key:Key": 32768,
    "aws:organizations/policy:Policy": 5120,
    "aws:s3/bucketPolicy:BucketPolicy": 20480,
    "aws:sns/topicPolicy:TopicPolicy": 30720,
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": 10240,
    "trust": 2048,
}


@pytest.fixture(scope="module")
def catalog():
    return load(ROOT)


@pytest.fixture(scope="module")
def graph(catalog):
    return evaluate(catalog, "organization")


def listed(value):
    return [value] if isinstance(value, str) else list(value)


def policies(graph):
    for resource in graph.resources.values():
        for key in DOCUMENTS:
            text = resource.inputs.get(key)
            if isinstance(text, str) and '"Statement"' in text:
                yield resource, key, text


def statements(graph):
    for resource, _, text in policies(graph):
        for statement in json.loads(text)["Statement"]:
            yield resource, statement


def principals(statement):
    principal = statement.get("Principal", {})
    if isinstance(principal, str):
        return [principal]
    return [each for value in principal.values() for each in listed(value)]


def test_the_walk_over_policies_sees_all_of_them(graph):
    kinds = {resource.type for resource, _, _ in policies(graph)}
    assert kinds >= set(LIMITS) - {"trust"}
    assert len(list(policies(graph))) > 50


def test_no_policy_lets_in_everybody_without_a_condition(graph):
    offenders = [
        (resource.name, statement["Sid"])
        for resource, statement in statements(graph)
        if "*" in principals(statement) and not statement.get("Condition")
    ]
    assert offenders == []


def test_everybody_is_never_allowed_anything(graph):
    offenders = [
        (resource.name, statement["Sid"])
        for resource, statement in statements(graph)
        if "*" in principals(statement) and statement["Effect"] == "Allow"
    ]
    assert offenders == []


def test_no_policy_allows_every_action(graph):
    offenders = [
        (resource.name, statement["Sid"])
        for resource, statement in statements(graph)
        if statement["Effect"] == "Allow"
        and {"*", "*:*"} & set(listed(statement.get("Action", ())))
    ]
    assert offenders == []


def test_only_boundaries_allow_by_exclusion_because_a_boundary_grants_nothing(graph):
    allowing = {
        resource.type
        for resource, statement in statements(graph)
        if statement["Effect"] == "Allow" and "NotAction" in statement
    }
    assert allowing == {"aws:iam/policy:Policy"}
    boundaries = {r.outputs["arn"] for r in graph.of_type("aws:iam/policy:Policy")}
    attached = {
        a.inputs["policyArn"]
        for a in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    }
    assert not boundaries & attached


def test_no_role_can_be_passed_to_just_anything(graph):
    passing = [
        (resource, statement)
        for resource, statement in statements(graph)
        if statement["Effect"] == "Allow"
        and {"iam:*", "iam:Pass*", "iam:PassRole"} & set(listed(statement.get("Action", ())))
    ]
    assert passing
    for resource, statement in passing:
        assert "*" not in listed(statement["Resource"]), resource.name
        assert "iam:PassedToService" in statement["Condition"]["StringEquals"], resource.name


def test_every_statement_says_what_it_is_for(graph):
    for resource, _, text in policies(graph):
        sids = [statement["Sid"] for statement in json.loads(text)["Statement"]]
        assert len(sids) == len(set(sids)), resource.name
        assert all(sid.isalnum() for sid in sids), resource.name


def test_every_policy_fits_into_what_aws_takes(graph):
    offenders = [
        (resource.name, key, len(text))
        for resource, key, text in policies(graph)
        if len(text) > LIMITS.get("trust" if key == "assumeRolePolicy" else resource.type, 10240)
    ]
    assert offenders == []


def test_there_are_no_iam_users_access_keys_or_data_sources(graph):
    forbidden = ("aws:iam/user", "aws:iam/accessKey", "aws:iam/userLoginProfile")
    assert [r.urn for r in graph.resources.values() if r.type.startswith(forbidden)] == []


def test_every_account_has_one_provider_that_can_touch_no_other(graph, catalog):
    organization = catalog.organization
    providers = {
        r.name: r.inputs for r in graph.resources.values() if r.type == "pulumi:providers:aws"
    }
    accounts = organization.accounts.model_dump()
    assert set(providers) == set(accounts)
    for label, inputs in providers.items():
        assert json.loads(inputs["allowedAccountIds"]) == [accounts[label]]
        assert inputs["region"] == organization.home_region
        assert json.loads(inputs["defaultTags"])["tags"]["organization"] == organization.name
        if label == "management":
            assert "assumeRoles" not in inputs
        else:
            (role,) = json.loads(inputs["assumeRoles"])
            assert role["roleArn"] == f"arn:aws:iam::{accounts[label]}:role/OrganizationDeploy"


def test_every_resource_names_its_provider(graph):
    for resource in graph.resources.values():
        if resource.custom and not resource.is_provider:
            assert resource.provider is not None, resource.urn
            assert "default" not in resource.provider, resource.urn


def test_ci_cannot_deploy_the_organization(graph, catalog):
    subjects = {
        subject
        for role in graph.of_type("aws:iam/role:Role")
        for statement in json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        for subject in statement["Condition"]
        .get("StringEquals", {})
        .get("token.actions.githubusercontent.com:sub", ())
    }
    repository = catalog.organization.repository
    prefix = f"repo:{repository.owner}/{repository.name}"
    assert subjects == {
        f"{prefix}:environment:preview",
        f"{prefix}:environment:dev",
        f"{prefix}:environment:drift",
        f"{prefix}:environment:staging",
        f"{prefix}:environment:prod",
    }
    for resource, statement in statements(graph):
        if resource.name.endswith("-deploy-policy"):
            for target in listed(statement.get("Resource", ())):
                assert "OrganizationDeploy" not in target


def test_data_is_kept_whatever_happens_to_the_stack(graph):
    kinds = ("aws:s3/bucket:", "aws:kms/key:", "aws:dynamodb/table:", "aws:route53/zone:")
    found = [r for r in graph.resources.values() if r.type.startswith(kinds)]
    assert len(found) >= 10
    for resource in found:
        assert resource.protect, resource.name
        assert resource.retain_on_delete, resource.name


def test_the_trail_waits_for_the_bucket_that_lets_it_in(graph):
    assert graph.named("archive-archive-policy").urn in graph.named("trail-trail").dependencies


def test_permission_sets_wait_for_their_boundary_in_every_account(graph):
    attached = graph.named("people-break-glass-boundary")
    for account in ("audit", "dev", "staging", "prod"):
        assert graph.named(f"{account}-boundaries-people").urn in attached.dependencies


def test_every_account_is_guarded_in_every_region_it_uses(graph, catalog):
    baselines = {
        (r.parent.rpartition("::")[2].removesuffix("-baseline"), r.name.partition("-baseline-")[2])
        for r in graph.of_type("patchworks:aws:RegionBaseline")
    }
    home = catalog.organization.home_region
    expected = {(account, home) for account in catalog.organization.accounts.model_dump()}
    for environment in ("dev", "staging", "prod"):
        expected |= {(environment, region) for region in environment_regions(catalog, environment)}
    assert baselines == expected


def test_guardduty_and_the_guardrails_know_every_region_in_use(graph, catalog):
    regions = set(regions_in_use(catalog))
    assert regions >= {cell.region for cell in catalog.cells.values()}
    detectors = graph.of_type("aws:guardduty/organizationConfiguration:OrganizationConfiguration")
    assert {detector.inputs["region"] for detector in detectors} == regions
    content = json.loads(graph.named("guardrails-regions").inputs["content"])
    (statement,) = content["Statement"]
    allowed = statement["Condition"]["StringNotEquals"]["aws:RequestedRegion"]
    assert set(allowed) == regions


def test_alarms_reach_the_security_contact_through_encrypted_topics(graph, catalog):
    subscriptions = graph.of_type("aws:sns/topicSubscription:TopicSubscription")
    assert {s.inputs["endpoint"] for s in subscriptions} == {catalog.organization.security_contact}
    for topic in graph.of_type("aws:sns/topic:Topic"):
        assert topic.inputs["kmsMasterKeyId"]


@pytest.mark.parametrize(
    "export",
    [
        "archive_bucket_name",
        "boundary_arns",
        "deploy_role_arns",
        "dns_role_arn",
        "github_oidc_arns",
        "key_arns",
        "deliveries_table_arn",
        "ledger_table_arn",
        "ledger_table_name",
        "permission_set_arns",
        "preview_role_arns",
        "registry",
        "topic_arns",
        "zone_id",
    ],
)
def test_the_organization_offers_what_cells_and_tenants_need(graph, export):
    assert graph.exports[export]


def test_the_stack_is_silent_and_the_same_before_anything_is_known(graph, catalog):
    unknown = Evaluation(catalog, known=False).evaluate("organization")
    assert set(unknown.resources) == set(graph.resources)
    assert set(unknown.exports) == set(graph.exports)
    assert graph.warnings == unknown.warnings == ()


def test_nothing_falls_back_on_a_default_provider():
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    assert project["name"] == "patchworks"
    assert project["main"] == "stacks"
    options = {"toolchain": "pip", "virtualenv": ".venv"}
    assert project["runtime"] == {"name": "python", "options": options}
    disabled = project["config"]["pulumi:disable-default-providers"]
    assert {"aws", "eks", "github", "kubernetes", "postgresql", "random"} <= set(disabled)
