"""People and CI: what a reviewer looks for."""

from __future__ import annotations

import json
import re
from typing import get_args

from settings_platform import has, listed, refers_to, setting, statements

from catalog.organization import Duty

PERMISSION_SET = "aws:ssoadmin/permissionSet:PermissionSet"
ENDPOINT = "aws:ec2clientvpn/endpoint:Endpoint"
GITHUB = "token.actions.githubusercontent.com"
SECRET_READS = {
    "dynamodb:GetItem",
    "kms:Decrypt",
    "rds-db:connect",
    "s3:GetObject",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
}


def ci_roles(platform, kind):
    for role in platform.organization.of_type("aws:iam/role:Role"):
        if role.name.endswith(f"-{kind}-role"):
            yield role


def subjects(role):
    (statement,) = statements(role, "assumeRolePolicy")
    equal = statement["Condition"]["StringEquals"]
    assert equal[f"{GITHUB}:aud"] == "sts.amazonaws.com", role.urn
    return listed(equal[f"{GITHUB}:sub"])


@setting("People", "Groups of people are Google's, in one Identity Center")
def groups(platform):
    organization = platform.catalog.organization
    found = platform.organization.of_type("aws:identitystore/group:Group")
    assert {each.inputs["displayName"] for each in found} == set(organization.groups)
    for each in found:
        assert each.inputs["description"] == organization.groups[each.inputs["displayName"]].email
        yield has(each, identityStoreId=organization.identity_provider.identity_store_id)
    assert organization.identity_provider.kind == "google"


@setting("People", "There is one permission set per duty")
def duties(platform):
    found = platform.organization.of_type(PERMISSION_SET)
    assert sorted(each.inputs["name"] for each in found) == sorted(get_args(Duty))
    yield from found


@setting("People", "A group is assigned its duties in its environments' accounts, and in no other")
def assignments(platform):
    organization, graph = platform.catalog.organization, platform.organization
    found = graph.of_type("aws:ssoadmin/accountAssignment:AccountAssignment")
    audit_and_management = {organization.accounts.audit, organization.accounts.management}
    for each in found:
        group = refers_to(graph, each.inputs["principalId"], "aws:identitystore/group:Group")
        duty = refers_to(graph, each.inputs["permissionSetArn"], PERMISSION_SET).inputs["name"]
        spec = organization.groups[group.inputs["displayName"]]
        accounts = {organization.account(environment) for environment in spec.environments}
        if duty == "auditor":
            accounts |= audit_and_management
        assert duty in spec.duties, each.urn
        assert each.inputs["targetId"] in accounts, each.urn
        yield each


@setting("People", "Sessions end: after eight hours at most, break-glass after one")
def sessions(platform):
    for each in platform.organization.of_type(PERMISSION_SET):
        hours = int(re.fullmatch(r"PT(\d+)H", each.inputs["sessionDuration"])[1])
        assert hours <= (1 if each.inputs["name"] == "break-glass" else 8), each.urn
        yield each


@setting("People", "Every permission set has a boundary")
def boundaries(platform):
    graph = platform.organization
    attachment = "aws:ssoadmin/permissionsBoundaryAttachment:PermissionsBoundaryAttachment"
    bounded = set()
    for each in graph.of_type(attachment):
        assert each.inputs["permissionsBoundary"]["customerManagedPolicyReference"]["name"]
        bounded.add(refers_to(graph, each.inputs["permissionSetArn"], PERMISSION_SET).urn)
        yield each
    assert bounded == {each.urn for each in graph.of_type(PERMISSION_SET)}


@setting("People", "Nobody does anything without a second factor")
def second_factor(platform):
    graph = platform.organization
    demanded = set()
    inline = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
    for each in graph.of_type(inline):
        denials = [s for s in statements(each, "inlinePolicy") if s["Sid"] == "NoSessionWithoutMfa"]
        assert [s["Effect"] for s in denials] == ["Deny"], each.urn
        demanded.add(refers_to(graph, each.inputs["permissionSetArn"], PERMISSION_SET).urn)
        yield each
    assert demanded == {each.urn for each in graph.of_type(PERMISSION_SET)}
    for _, cell in platform.cells:
        for duty in get_args(Duty):
            role = cell.named(f"duties-{duty}")
            (statement,) = statements(role, "assumeRolePolicy")
            tags = statement["Condition"]["StringEquals"]
            assert tags["aws:PrincipalTag/mfa"] == "enforced", role.urn
            yield role


@setting("People", "There are no IAM users and no access keys, and nobody can make any")
def no_users(platform):
    forbidden = ("aws:iam/user", "aws:iam/accessKey", "aws:iam/group")
    for graph in platform.graphs.values():
        for resource in graph.resources.values():
            assert not resource.type.startswith(forbidden), resource.urn
    guardrail = platform.organization.named("guardrails-watchers")
    denied = {
        action
        for statement in statements(guardrail, "content")
        if statement["Effect"] == "Deny"
        for action in listed(statement["Action"])
    }
    assert {"iam:CreateUser", "iam:CreateAccessKey"} <= denied, guardrail.urn
    yield guardrail


@setting("People", "People dial in to a cell by SAML, signed in at Google")
def saml(platform):
    for _, graph, endpoint in platform.in_cells(ENDPOINT):
        (option,) = endpoint.inputs["authenticationOptions"]
        assert option["type"] == "federated-authentication", endpoint.urn
        provider = refers_to(graph, option["samlProviderArn"], "aws:iam/samlProvider:SamlProvider")
        assert "https://accounts.google.com/" in provider.inputs["samlMetadataDocument"]
        yield from (endpoint, provider)


@setting("People", "The VPN lets in by group, to the cell's network alone")
def authorisation(platform):
    rule = "aws:ec2clientvpn/authorizationRule:AuthorizationRule"
    for cell, graph in platform.cells:
        groups = platform.catalog.organization.groups
        rules = graph.of_type(rule)
        allowed = {groups[group].email for group in cell.vpn.groups}
        assert {each.inputs["accessGroupId"] for each in rules} == allowed, graph.stack
        for each in rules:
            assert not each.inputs.get("authorizeAllGroups"), each.urn
            yield has(each, targetNetworkCidr=cell.network.cidr)


@setting("People", "Every connection to the VPN is logged")
def connections(platform):
    for _, graph, endpoint in platform.in_cells(ENDPOINT):
        options = endpoint.inputs["connectionLogOptions"]
        assert options["enabled"] is True, endpoint.urn
        refers_to(graph, options["cloudwatchLogGroup"], "aws:cloudwatch/logGroup:LogGroup")
        yield endpoint


@setting("People", "Only traffic to the cell takes the tunnel")
def split_tunnel(platform):
    for _, _, endpoint in platform.in_cells(ENDPOINT):
        yield has(endpoint, splitTunnel=True)


@setting("CI", "Every account trusts GitHub's tokens for this repository's jobs only")
def oidc(platform):
    repository = platform.catalog.organization.repository
    prefix = f"repo:{repository.owner}/{repository.name}:"
    for kind in ("preview", "deploy"):
        for role in ci_roles(platform, kind):
            for subject in subjects(role):
                assert subject.startswith(prefix), role.urn
                assert "*" not in subject, role.urn
            yield role


@setting("CI", "The preview role can read nothing secret")
def preview(platform):
    for role in ci_roles(platform, "preview"):
        (policy,) = [
            each
            for each in platform.organization.of_type("aws:iam/rolePolicy:RolePolicy")
            if each.name == role.name.replace("-role", "-policy")
        ]
        found = statements(policy)
        denied = {a for s in found if s["Effect"] == "Deny" for a in listed(s.get("Action"))}
        assert {"secretsmanager:GetSecretValue", "ssm:GetParameter"} <= denied, policy.urn
        for statement in found:
            if statement["Effect"] != "Allow":
                continue
            actions = listed(statement["Action"])
            assert not {"*", "s3:*", "kms:*", "secretsmanager:*"} & set(actions), policy.urn
            reads = SECRET_READS & set(actions)
            # The ledger says where tenants live, which this repository says as well.
            allowed = {"dynamodb:GetItem"} | (
                {"kms:Decrypt"} if "pulumi-state" not in json.dumps(statement) else set()
            )
            assert reads <= allowed, f"{policy.urn}: {statement['Sid']} reads {sorted(reads)}"
        yield policy


@setting("CI", "A deploy role is reached only from its own protected environment")
def deploy(platform):
    repository = platform.catalog.organization.repository
    found = list(ci_roles(platform, "deploy"))
    assert {role.name for role in found} == {
        f"{environment}-deploy-role" for environment in ("dev", "staging", "prod")
    }
    for role in found:
        environment = role.name.removesuffix("-deploy-role")
        assert subjects(role) == [
            f"repo:{repository.owner}/{repository.name}:environment:{environment}"
        ], role.urn
        yield role


@setting("CI", "CI's roles have a boundary")
def ci_boundary(platform):
    for kind in ("preview", "deploy"):
        for role in ci_roles(platform, kind):
            assert role.inputs.get("permissionsBoundary", "").endswith("-ci-boundary"), role.urn
            yield role


@setting("CI", "Runners run inside the cell's private subnets, and nothing comes in to them")
def runners(platform):
    for _, graph, project in platform.in_cells("aws:codebuild/project:Project"):
        network = project.inputs["vpcConfig"]
        for value in network["subnets"]:
            subnet = refers_to(graph, value, "aws:ec2/subnet:Subnet")
            assert subnet.name.startswith("network-private-"), project.urn
        for rule in graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
            assert rule.inputs["securityGroupId"] not in network["securityGroupIds"], rule.urn
        yield project
