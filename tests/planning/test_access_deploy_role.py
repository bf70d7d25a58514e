"""A stack's deploy role against what the stack's resource types need, in the shipped catalog."""

import json
from dataclasses import replace

import pytest

from catalog.load import find_root, load
from planning.access.actions import expand
from planning.access.deploy import rights, rights_of, unneeded
from planning.access.needs import calls_of, needs_of
from planning.access.provider_calls import FEATURES, OWN
from rehearsal.evaluation import Evaluation
from rehearsal.graph import Graph, Resource

CELL, TENANT, DEDICATED = "cell.prod-eu-west-1", "tenant.brightwater", "tenant.aurelia-health"
DEVELOPMENT = ("cell.dev-eu-west-1", "tenant.sandbox")


@pytest.fixture(scope="module")
def graphs() -> dict[str, Graph]:
    evaluation = Evaluation(load(find_root()))
    return {
        stack: evaluation.evaluate(stack)
        for stack in ("organization", CELL, TENANT, DEDICATED, *DEVELOPMENT)
    }


@pytest.fixture
def organization(graphs):
    return graphs["organization"]


def with_resource(graph: Graph, changed: Resource) -> Graph:
    return replace(graph, resources={**graph.resources, changed.urn: changed})


def with_policy(organization: Graph, change, name="prod-deploy-policy") -> Graph:
    policy = organization.named(name)
    document = json.loads(policy.inputs["policy"])
    document["Statement"] = [
        each for each in map(change, document["Statement"]) if each is not None
    ]
    inputs = {**policy.inputs, "policy": json.dumps(document)}
    return with_resource(organization, replace(policy, inputs=inputs))


def without_action(action):
    def change(statement):
        actions = statement["Action"]
        if isinstance(actions, list):
            statement["Action"] = [each for each in actions if each != action]
        return statement

    return change


def missing(stack: Graph, organization: Graph) -> dict[str, tuple[str, ...]]:
    return {
        f"{right.action} on {right.resource}": right.needed_by
        for right in rights(None, stack, organization).missing
    }


@pytest.mark.parametrize("stack", [CELL, TENANT, DEDICATED, *DEVELOPMENT])
def test_the_shipped_deploy_roles_lack_nothing(graphs, organization, stack):
    found = rights(None, graphs[stack], organization)
    environment = "dev" if stack in DEVELOPMENT else "prod"
    assert found.role == f"halyard-ci-deploy-{environment}"
    assert found.missing == ()
    assert found.not_known == ()


def test_the_organization_has_no_deploy_role(organization):
    assert rights(None, organization, organization).role == ""


def test_a_service_that_the_role_may_not_use_is_missing_with_the_types_that_need_it(
    graphs, organization
):
    less = with_policy(organization, without_action("wafv2:*"))
    found = missing(graphs[TENANT], less)
    assert found["wafv2:CreateWebACL on *"] == ("aws:wafv2/webAcl:WebAcl",)
    assert "wafv2:AssociateWebACL on *" in found
    assert all(action.startswith("wafv2:") for action in found)
    assert missing(graphs[CELL], less) == {}


def test_a_role_of_a_name_that_the_deploy_role_may_not_make_is_missing(graphs, organization):
    graph = graphs[TENANT]
    role = graph.of_type("aws:iam/role:Role")[0]
    arn = f"arn:aws:iam::{role.outputs['arn'].split(':')[4]}:role/other-name"
    named = replace(
        role,
        inputs={**role.inputs, "name": "other-name"},
        outputs={**role.outputs, "arn": arn},
    )
    found = missing(with_resource(graph, named), organization)
    assert f"iam:CreateRole on {arn}" in found


def test_a_bucket_outside_the_environments_names_is_missing(graphs, organization):
    graph = graphs[TENANT]
    bucket = graph.of_type("aws:s3/bucket:Bucket")[0]
    arn = "arn:aws:s3:::stranger"
    named = replace(
        bucket,
        inputs={**bucket.inputs, "bucket": "stranger"},
        outputs={**bucket.outputs, "arn": arn},
    )
    assert f"s3:CreateBucket on {arn}" in missing(with_resource(graph, named), organization)


def test_a_region_that_the_role_may_not_work_in_is_missing(graphs, organization):
    def elsewhere(statement):
        if statement["Sid"] == "DeclareCellsAndTenants":
            statement["Condition"] = {"StringEquals": {"aws:RequestedRegion": ["us-east-1"]}}
        return statement

    found = missing(graphs[TENANT], with_policy(organization, elsewhere))
    assert "elasticloadbalancing:CreateLoadBalancer on *" in found


def test_a_service_that_the_role_may_not_hand_roles_to_is_missing(graphs, organization):
    def no_pods(statement):
        if statement["Sid"] == "HandRolesToServices":
            statement["Condition"] = {
                "StringEquals": {"iam:PassedToService": ["rds.amazonaws.com"]}
            }
        return statement

    found = missing(graphs[TENANT], with_policy(organization, no_pods))
    assert any(each.startswith("iam:PassRole on arn:aws:iam::") for each in found)
    assert all(
        types == ("aws:eks/podIdentityAssociation:PodIdentityAssociation",)
        for types in found.values()
    )


def test_a_role_that_the_deploy_role_may_not_take_is_missing_and_one_nobody_knows_is_said(
    graphs, organization
):
    def drop(statement):
        return None if statement["Sid"] == "UseSharedRoles" else statement

    found = missing(graphs[TENANT], with_policy(organization, drop))
    assert any(each.startswith("sts:AssumeRole on arn:aws:iam::") for each in found)
    roleless = {
        urn: resource
        for urn, resource in organization.resources.items()
        if "shared-dns" not in resource.name
    }
    unknown = rights(None, graphs[TENANT], replace(organization, resources=roleless))
    assert any("shared-dns may do" in each for each in unknown.not_known)


def test_what_the_boundary_denies_is_missing_whatever_the_role_says(graphs, organization):
    def deny(statement):
        if statement["Effect"] == "Deny":
            statement["Action"] = [*statement["Action"], "rds:CreateDBCluster"]
            statement["Resource"] = "*"
        return statement

    name = next(
        policy.name
        for policy in organization.of_type("aws:iam/policy:Policy")
        if policy.name == "prod-boundaries-ci"
    )
    found = missing(graphs[DEDICATED], with_policy(organization, deny, name))
    assert any(each.startswith("rds:CreateDBCluster on arn:aws:rds:") for each in found)


def test_what_the_base_needed_and_the_head_does_not_is_unused(graphs, organization):
    graph = graphs[TENANT]
    less = replace(
        graph,
        resources={
            urn: each
            for urn, each in graph.resources.items()
            if not each.type.startswith("aws:waf")
        },
    )
    found = rights(graph, less, organization)
    assert found.missing == ()
    assert any(
        right.action == "wafv2:CreateWebACL" and right.needed_by == ("aws:wafv2/webAcl:WebAcl",)
        for right in found.unused
    )
    assert rights(graph, graph, organization).unused == ()


def test_what_a_single_stack_does_not_need_of_the_role_is_told(graphs, organization):
    patterns = dict(unneeded(rights_of(graphs[TENANT], organization)))
    assert "codebuild:*" in patterns
    assert "wafv2:*" not in patterns


def test_a_type_that_nothing_is_known_of_is_said(graphs, organization):
    graph = graphs[TENANT]
    strange = Resource(
        urn="urn:pulumi:x::p::aws:madeup/thing:Thing::t",
        type="aws:madeup/thing:Thing",
        name="t",
        custom=True,
    )
    found = rights(None, with_resource(graph, strange), organization)
    assert found.not_known == ("nothing says what aws:madeup/thing:Thing needs of its deploy role",)


def test_a_stack_of_an_environment_without_a_deploy_role_is_said(graphs, organization):
    roles = {
        urn: each for urn, each in organization.resources.items() if "prod-deploy" not in each.name
    }
    found = rights(None, graphs[TENANT], replace(organization, resources=roles))
    assert found.role == ""
    assert found.not_known == ("no role, or more than one, deploys to the environment prod",)


def test_features_that_a_resource_does_not_use_are_not_needed(graphs):
    needed = {need.action for need in needs_of(graphs[TENANT]).needs}
    assert "acm-pca:IssueCertificate" not in needed
    assert "cognito-idp:DescribeUserPoolClient" not in needed
    assert "iam:PutRolePermissionsBoundary" not in needed
    assert "appsync:SetWebACL" not in needed
    assert "wafv2:AssociateWebACL" in needed


def test_every_action_of_the_tables_exists_and_every_type_with_features_has_handlers():
    unknown = [
        action
        for calls in OWN.values()
        for actions in calls.values()
        for action in actions
        if not expand(action).bits
    ]
    assert unknown == []
    for type, features in FEATURES.items():
        calls = calls_of(type)
        assert calls
        for pattern in features:
            matched = expand(pattern)
            assert any(expand(action).bits & matched.bits for action in calls), (type, pattern)
