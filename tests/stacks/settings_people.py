"""People and CI: what a reviewer looks for."""

from __future__ import annotations

from settings_platform import has, held, listed, refers_to, setting, statements

PERMISSION_SET = "aws:ssoadmin/permissionSet:PermissionSet"
ENDPOINT = "aws:ec2clientvpn/endpoint:Endpoint"
GITHUB = "token.actions.githubusercontent.com"


def ci_roles(platform, kind):
    for role in platform.organization.of_type("aws:iam/role:Role"):
        if role.name.endswith(f"-{kind}-role"):
            yield role


def subjects(role):
    (statement,) = statements(role, "assumeRolePolicy")
    equal = statement["Condition"]["StringEquals"]
    assert equal[f"{GITHUB}:aud"] == "sts.amazonaws.com", role.urn
    return listed(equal[f"{GITHUB}:sub"])


@setting(
    "People",
    "Groups of people are Google's, in one Identity Center",
    "groups-come-from-the-identity-provider",
)
def groups(platform):
    organization = platform.catalog.organization
    found = platform.organization.of_type("aws:identitystore/group:Group")
    assert {each.inputs["displayName"] for each in found} == set(organization.groups)
    for each in found:
        assert each.inputs["description"] == organization.groups[each.inputs["displayName"]].email
        yield has(each, identityStoreId=organization.identity_provider.identity_store_id)
    assert organization.identity_provider.kind == "google"


held("People", "There is one permission set per duty", "permission-sets-are-duties")


@setting(
    "People",
    "A group is assigned its duties in its environments' accounts, and in no other",
    "duties-are-assigned-to-groups",
)
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


held("People", "Sessions end: after eight hours at most, break-glass after one", "sessions-end")


held("People", "Every permission set has a boundary", "permission-sets-have-boundaries")


held("People", "Nobody does anything without a second factor", "second-factors-are-demanded")


held(
    "People",
    "There are no IAM users and no access keys, and nobody can make any",
    "there-are-no-iam-users",
)


@setting(
    "People", "People dial in to a cell by SAML, signed in at Google", "people-dial-in-by-saml"
)
def saml(platform):
    for _, graph, endpoint in platform.in_cells(ENDPOINT):
        (option,) = endpoint.inputs["authenticationOptions"]
        assert option["type"] == "federated-authentication", endpoint.urn
        provider = refers_to(graph, option["samlProviderArn"], "aws:iam/samlProvider:SamlProvider")
        assert "https://accounts.google.com/" in provider.inputs["samlMetadataDocument"]
        yield from (endpoint, provider)


@setting(
    "People", "The VPN lets in by group, to the cell's network alone", "the-vpn-lets-in-by-group"
)
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


held("People", "Every connection to the VPN is logged", "vpn-connections-are-logged")


held(
    "People", "Only traffic to the cell takes the tunnel", "only-the-cells-traffic-takes-the-tunnel"
)


@setting(
    "CI",
    "Every account trusts GitHub's tokens for this repository's jobs only",
    "only-this-repositorys-jobs-are-trusted",
)
def oidc(platform):
    repository = platform.catalog.organization.repository
    prefix = f"repo:{repository.owner}/{repository.name}:"
    for kind in ("preview", "deploy"):
        for role in ci_roles(platform, kind):
            for subject in subjects(role):
                assert subject.startswith(prefix), role.urn
                assert "*" not in subject, role.urn
            yield role


held(
    "CI",
    "The preview role opens states, and nothing else that is secret; it changes nothing",
    "previews-open-states-only",
)


@setting(
    "CI",
    "A role that deploys or opens states is reached only from its own protected environment",
    "deploy-roles-demand-their-environment",
)
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


held("CI", "CI's roles have a boundary", "ci-roles-have-boundaries")


held(
    "CI",
    "Runners run inside the cell's private subnets, and nothing comes in to them",
    "runners-are-private",
)
