"""Drivers for IAM roles, policies, identity providers and instance profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging, joined
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver


def _role(subject: Subject) -> dict[str, str]:
    return {"RoleName": subject.id}


def _set_boundary(subject: Subject) -> None:
    boundary = subject.inputs.get("permissionsBoundary")
    if boundary:
        subject.api.put_role_permissions_boundary(RoleName=subject.id, PermissionsBoundary=boundary)
    else:
        subject.api.delete_role_permissions_boundary(RoleName=subject.id)


def _set_managed_policies(subject: Subject) -> None:
    before = set(subject.before.get("managedPolicyArns") or ())
    after = set(subject.inputs.get("managedPolicyArns") or ())
    for arn in sorted(before - after):
        subject.api.detach_role_policy(RoleName=subject.id, PolicyArn=arn)
    for arn in sorted(after - before):
        subject.api.attach_role_policy(RoleName=subject.id, PolicyArn=arn)


def _set_inline_policies(subject: Subject) -> None:
    before = {p["name"] for p in subject.before.get("inlinePolicies") or () if p.get("name")}
    after = {p["name"]: p["policy"] for p in subject.inputs.get("inlinePolicies") or () if p}
    for name in sorted(before - after.keys()):
        subject.api.delete_role_policy(RoleName=subject.id, PolicyName=name)
    for name, policy in after.items():
        subject.api.put_role_policy(RoleName=subject.id, PolicyName=name, PolicyDocument=policy)


def _strip_role(subject: Subject) -> None:
    """Take off what the role itself declares, and everything where it is forced."""
    everything = bool(subject.inputs.get("forceDetachPolicies"))
    attached = subject.api.list_attached_role_policies(RoleName=subject.id)["AttachedPolicies"]
    for policy in attached:
        own = policy["PolicyArn"] in (subject.inputs.get("managedPolicyArns") or ())
        if own or everything:
            subject.api.detach_role_policy(RoleName=subject.id, PolicyArn=policy["PolicyArn"])
    own_names = {p.get("name") for p in subject.inputs.get("inlinePolicies") or ()}
    for name in subject.api.list_role_policies(RoleName=subject.id)["PolicyNames"]:
        if name in own_names or everything:
            subject.api.delete_role_policy(RoleName=subject.id, PolicyName=name)


ROLE = AwsDriver(
    service="iam",
    create_by=Call(
        "create_role",
        rename={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
    ),
    read_by=Call("get_role", given=_role),
    updates=(
        Call(
            "update_assume_role_policy",
            given=_role,
            takes=("assumeRolePolicy",),
            rename={"assumeRolePolicy": "PolicyDocument"},
        ),
        Call("update_role", given=_role, takes=("description", "maxSessionDuration")),
        Step({"permissionsBoundary"}, _set_boundary),
        Step({"managedPolicyArns"}, _set_managed_policies),
        Step({"inlinePolicies"}, _set_inline_policies),
    ),
    delete_by=(_strip_role, Call("delete_role", given=_role)),
    id_is="Role.RoleName",
    outputs_are={
        "arn": "Role.Arn",
        "uniqueId": "Role.RoleId",
        "createDate": "Role.CreateDate",
    },
    named="name",
    tagging=Tagging("tag_role", "untag_role", _role),
    replaced_by=frozenset({"name", "namePrefix", "path"}),
    steering=frozenset({"forceDetachPolicies"}),
)

_ROLE_POLICY = Call(
    "put_role_policy",
    rename={"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
)
ROLE_POLICY = AwsDriver(
    service="iam",
    create_by=_ROLE_POLICY,
    updates=(_ROLE_POLICY,),
    delete_by=(
        Call(
            "delete_role_policy",
            takes=("name", "role"),
            rename={"name": "PolicyName", "role": "RoleName"},
        ),
    ),
    id_is=joined(":", "role", "name"),
    named="name",
    replaced_by=frozenset({"name", "namePrefix", "role"}),
)


def _new_version(subject: Subject) -> None:
    versions = subject.api.list_policy_versions(PolicyArn=subject.id)["Versions"]
    if len(versions) >= 5:  # IAM keeps five
        oldest = min(
            (v for v in versions if not v["IsDefaultVersion"]),
            key=lambda v: int(v["VersionId"].removeprefix("v")),
        )
        subject.api.delete_policy_version(PolicyArn=subject.id, VersionId=oldest["VersionId"])
    subject.api.create_policy_version(
        PolicyArn=subject.id, PolicyDocument=subject.inputs["policy"], SetAsDefault=True
    )


def _delete_versions(subject: Subject) -> None:
    for version in subject.api.list_policy_versions(PolicyArn=subject.id)["Versions"]:
        if not version["IsDefaultVersion"]:
            subject.api.delete_policy_version(PolicyArn=subject.id, VersionId=version["VersionId"])


def _policy(subject: Subject) -> dict[str, str]:
    return {"PolicyArn": subject.id}


POLICY = AwsDriver(
    service="iam",
    create_by=Call("create_policy", rename={"name": "PolicyName", "policy": "PolicyDocument"}),
    read_by=Call("get_policy", given=_policy),
    updates=(Step({"policy"}, _new_version),),
    delete_by=(_delete_versions, Call("delete_policy", given=_policy)),
    id_is="Policy.Arn",
    outputs_are={
        "arn": "Policy.Arn",
        "policyId": "Policy.PolicyId",
        "attachmentCount": "Policy.AttachmentCount",
    },
    named="name",
    tagging=Tagging("tag_policy", "untag_policy", _policy),
    replaced_by=frozenset({"name", "namePrefix", "path", "description"}),
    steering=frozenset({"delayAfterPolicyCreationInMs"}),
)

_ATTACHMENT = {"role": "RoleName", "policyArn": "PolicyArn"}
ROLE_POLICY_ATTACHMENT = AwsDriver(
    service="iam",
    create_by=Call("attach_role_policy", rename=_ATTACHMENT),
    delete_by=(Call("detach_role_policy", takes=("role", "policyArn"), rename=_ATTACHMENT),),
    id_is=joined("/", "role", "policyArn"),
    replaced_by=frozenset({"role", "policyArn"}),
)


def _provider(subject: Subject) -> dict[str, str]:
    return {"OpenIDConnectProviderArn": subject.id}


def _set_client_ids(subject: Subject) -> None:
    before = set(subject.before.get("clientIdLists") or ())
    after = set(subject.inputs.get("clientIdLists") or ())
    for client in sorted(after - before):
        subject.api.add_client_id_to_open_id_connect_provider(**_provider(subject), ClientID=client)
    for client in sorted(before - after):
        subject.api.remove_client_id_from_open_id_connect_provider(
            **_provider(subject), ClientID=client
        )


OPEN_ID_CONNECT_PROVIDER = AwsDriver(
    service="iam",
    create_by=Call("create_open_id_connect_provider"),
    read_by=Call("get_open_id_connect_provider", given=_provider),
    updates=(
        Call(
            "update_open_id_connect_provider_thumbprint",
            given=_provider,
            takes=("thumbprintLists",),
        ),
        Step({"clientIdLists"}, _set_client_ids),
    ),
    delete_by=(Call("delete_open_id_connect_provider", given=_provider),),
    id_is="OpenIDConnectProviderArn",
    outputs_are={"arn": lambda s: s.id, "thumbprintLists": "ThumbprintList"},
    tagging=Tagging("tag_open_id_connect_provider", "untag_open_id_connect_provider", _provider),
    replaced_by=frozenset({"url"}),
)


def _saml(subject: Subject) -> dict[str, str]:
    return {"SAMLProviderArn": subject.id}


SAML_PROVIDER = AwsDriver(
    service="iam",
    create_by=Call("create_saml_provider"),
    read_by=Call("get_saml_provider", given=_saml),
    updates=(Call("update_saml_provider", given=_saml, takes=("samlMetadataDocument",)),),
    delete_by=(Call("delete_saml_provider", given=_saml),),
    id_is="SAMLProviderArn",
    outputs_are={"arn": lambda s: s.id, "validUntil": "ValidUntil"},
    named="name",
    tagging=Tagging("tag_saml_provider", "untag_saml_provider", _saml),
    replaced_by=frozenset({"name"}),
)


def _set_role(subject: Subject) -> None:
    before, after = subject.before.get("role"), subject.inputs.get("role")
    if before:
        subject.api.remove_role_from_instance_profile(
            InstanceProfileName=subject.id, RoleName=before
        )
    if after:
        subject.api.add_role_to_instance_profile(InstanceProfileName=subject.id, RoleName=after)


def _profile(subject: Subject) -> dict[str, str]:
    return {"InstanceProfileName": subject.id}


def _release_role(subject: Subject) -> None:
    profile = subject.api.get_instance_profile(**_profile(subject))["InstanceProfile"]
    for role in profile["Roles"]:
        subject.api.remove_role_from_instance_profile(
            **_profile(subject), RoleName=role["RoleName"]
        )


INSTANCE_PROFILE = AwsDriver(
    service="iam",
    create_by=Call("create_instance_profile", rename={"name": "InstanceProfileName"}),
    read_by=Call("get_instance_profile", given=_profile),
    updates=(Step({"role"}, _set_role),),
    delete_by=(_release_role, Call("delete_instance_profile", given=_profile)),
    id_is="InstanceProfile.InstanceProfileName",
    outputs_are={
        "arn": "InstanceProfile.Arn",
        "uniqueId": "InstanceProfile.InstanceProfileId",
        "createDate": "InstanceProfile.CreateDate",
    },
    named="name",
    tagging=Tagging("tag_instance_profile", "untag_instance_profile", _profile),
    replaced_by=frozenset({"name", "namePrefix", "path"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:iam/role:Role": ROLE,
    "aws:iam/rolePolicy:RolePolicy": ROLE_POLICY,
    "aws:iam/policy:Policy": POLICY,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ROLE_POLICY_ATTACHMENT,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": OPEN_ID_CONNECT_PROVIDER,
    "aws:iam/samlProvider:SamlProvider": SAML_PROVIDER,
    "aws:iam/instanceProfile:InstanceProfile": INSTANCE_PROFILE,
}
