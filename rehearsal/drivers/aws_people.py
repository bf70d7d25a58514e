"""Drivers for IAM Identity Center: groups, permission sets and who has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging, joined
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver


def _group(subject: Subject) -> dict[str, str]:
    return {
        "IdentityStoreId": subject.inputs["identityStoreId"],
        "GroupId": subject.id.rpartition("/")[2],
    }


def _update_group(subject: Subject) -> None:
    subject.api.update_group(
        **_group(subject),
        Operations=[
            {"AttributePath": name, "AttributeValue": subject.inputs.get(name)}
            for name in ("displayName", "description")
            if subject.inputs.get(name) != subject.before.get(name)
        ],
    )


GROUP = AwsDriver(
    service="identitystore",
    create_by=Call("create_group"),
    read_by=Call("describe_group", given=_group),
    updates=(Step({"displayName", "description"}, _update_group),),
    delete_by=(Call("delete_group", given=_group),),
    id_is=lambda s: f"{s.inputs['identityStoreId']}/{s.answer['GroupId']}",
    outputs_are={"groupId": "GroupId"},
    replaced_by=frozenset({"identityStoreId"}),
)


def _set(subject: Subject) -> dict[str, str]:
    return {
        "InstanceArn": subject.inputs["instanceArn"],
        "PermissionSetArn": subject.id.partition(",")[0],
    }


PERMISSION_SET = AwsDriver(
    service="sso-admin",
    create_by=Call("create_permission_set"),
    read_by=Call("describe_permission_set", given=_set),
    updates=(
        Call(
            "update_permission_set",
            given=_set,
            takes=("description", "sessionDuration", "relayState"),
        ),
    ),
    delete_by=(Call("delete_permission_set", given=_set),),
    id_is=lambda s: f"{s.answer['PermissionSet']['PermissionSetArn']},{s.inputs['instanceArn']}",
    outputs_are={
        "arn": "PermissionSet.PermissionSetArn",
        "createdDate": "PermissionSet.CreatedDate",
    },
    named="name",
    tagging=Tagging("tag_resource", "untag_resource", _set),
    replaced_by=frozenset({"name", "instanceArn"}),
)

_INLINE = Call("put_inline_policy_to_permission_set")
INLINE_POLICY = AwsDriver(
    service="sso-admin",
    create_by=_INLINE,
    updates=(_INLINE,),
    delete_by=(
        Call("delete_inline_policy_from_permission_set", takes=("instanceArn", "permissionSetArn")),
    ),
    id_is=joined(",", "permissionSetArn", "instanceArn"),
    replaced_by=frozenset({"instanceArn", "permissionSetArn"}),
)

_MANAGED = ("instanceArn", "permissionSetArn", "managedPolicyArn")
MANAGED_POLICY_ATTACHMENT = AwsDriver(
    service="sso-admin",
    create_by=Call("attach_managed_policy_to_permission_set"),
    delete_by=(Call("detach_managed_policy_from_permission_set", takes=_MANAGED),),
    id_is=joined(",", "managedPolicyArn", "permissionSetArn", "instanceArn"),
    outputs_are={"managedPolicyName": lambda s: s.inputs["managedPolicyArn"].rpartition("/")[2]},
    replaced_by=frozenset(_MANAGED),
)

_CUSTOMER = ("instanceArn", "permissionSetArn", "customerManagedPolicyReference")


def _customer_id(subject: Subject) -> str:
    reference = subject.inputs["customerManagedPolicyReference"]
    parts = (reference["name"], reference.get("path") or "/")
    return ",".join((*parts, subject.inputs["permissionSetArn"], subject.inputs["instanceArn"]))


CUSTOMER_MANAGED_POLICY_ATTACHMENT = AwsDriver(
    service="sso-admin",
    create_by=Call("attach_customer_managed_policy_reference_to_permission_set"),
    delete_by=(
        Call("detach_customer_managed_policy_reference_from_permission_set", takes=_CUSTOMER),
    ),
    id_is=_customer_id,
    replaced_by=frozenset(_CUSTOMER),
)

_ASSIGNMENT = (
    "instanceArn",
    "permissionSetArn",
    "principalId",
    "principalType",
    "targetId",
    "targetType",
)


ACCOUNT_ASSIGNMENT = AwsDriver(
    service="sso-admin",
    create_by=Call("create_account_assignment"),
    delete_by=(Call("delete_account_assignment", takes=_ASSIGNMENT),),
    id_is=joined(
        ",",
        "principalId",
        "principalType",
        "targetId",
        "targetType",
        "permissionSetArn",
        "instanceArn",
    ),
    replaced_by=frozenset(_ASSIGNMENT),
)

DRIVERS: dict[str, Driver] = {
    "aws:identitystore/group:Group": GROUP,
    "aws:ssoadmin/permissionSet:PermissionSet": PERMISSION_SET,
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": INLINE_POLICY,
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": MANAGED_POLICY_ATTACHMENT,
    "aws:ssoadmin/customerManagedPolicyAttachment:CustomerManagedPolicyAttachment": (
        CUSTOMER_MANAGED_POLICY_ATTACHMENT
    ),
    "aws:ssoadmin/accountAssignment:AccountAssignment": ACCOUNT_ASSIGNMENT,
}
