"""Drivers for WAF's IP sets and web ACLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Subject, Tagging, joined, of
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver, Inputs


def _identity(subject: Subject) -> dict[str, str]:
    name = subject.outputs.get("name") or subject.inputs["name"]
    return {"Name": name, "Scope": subject.inputs["scope"], "Id": subject.id}


def _locked(get: str) -> Any:
    """WAF changes only what the caller has just read, which the lock token proves."""

    def given(subject: Subject) -> dict[str, str]:
        identity = _identity(subject)
        return {**identity, "LockToken": getattr(subject.api, get)(**identity)["LockToken"]}

    return given


_TAGGING = Tagging("tag_resource", "untag_resource", lambda s: {"ResourceARN": s.outputs["arn"]})

IP_SET = AwsDriver(
    service="wafv2",
    create_by=Call("create_ip_set"),
    read_by=Call("get_ip_set", given=_identity),
    updates=(
        Call("update_ip_set", given=_locked("get_ip_set"), takes=("addresses", "description")),
    ),
    delete_by=(Call("delete_ip_set", given=_locked("get_ip_set")),),
    id_is="Summary.Id",
    outputs_are={"arn": "IPSet.ARN", "lockToken": "LockToken"},
    named="name",
    tagging=_TAGGING,
    replaced_by=frozenset({"name", "namePrefix", "scope", "ipAddressVersion"}),
)


def _web_acl(inputs: Inputs) -> Inputs:
    form = dict(inputs)
    bodies = form.get("customResponseBodies")
    if bodies:
        form["customResponseBodies"] = {
            body["key"]: {k: v for k, v in body.items() if k != "key"} for body in bodies
        }
    return form


def _changeable(subject: Subject) -> Any:
    if subject.before.get("rules") and not subject.inputs.get("rules"):
        raise NotImplementedError("moto 5.2 keeps a web ACL's rules when the last one is removed")
    return _locked("get_web_acl")(subject)


WEB_ACL = AwsDriver(
    service="wafv2",
    create_by=Call("create_web_acl", reshape=_web_acl),
    read_by=Call("get_web_acl", given=_identity),
    updates=(
        Call(
            "update_web_acl",
            given=_changeable,
            takes=(
                "associationConfig",
                "captchaConfig",
                "challengeConfig",
                "customResponseBodies",
                "dataProtectionConfig",
                "defaultAction",
                "description",
                "rules",
                "tokenDomains",
                "visibilityConfig",
            ),
            reshape=_web_acl,
        ),
    ),
    delete_by=(Call("delete_web_acl", given=_locked("get_web_acl")),),
    id_is="Summary.Id",
    outputs_are={
        "arn": "WebACL.ARN",
        "capacity": "WebACL.Capacity",
        "lockToken": "LockToken",
    },
    named="name",
    tagging=_TAGGING,
    replaced_by=frozenset({"name", "namePrefix", "scope"}),
)

WEB_ACL_ASSOCIATION = AwsDriver(
    service="wafv2",
    create_by=Call("associate_web_acl"),
    delete_by=(Call("disassociate_web_acl", takes=("resourceArn",)),),
    id_is=joined(",", "webAclArn", "resourceArn"),
    replaced_by=frozenset({"webAclArn", "resourceArn"}),
)


def _logging(inputs: Inputs) -> Inputs:
    return {"LoggingConfiguration": inputs}


_LOGGING = Call(
    "put_logging_configuration",
    takes=("resourceArn", "logDestinationConfigs", "loggingFilter", "redactedFields"),
    reshape=_logging,
)
WEB_ACL_LOGGING_CONFIGURATION = AwsDriver(
    service="wafv2",
    create_by=_LOGGING,
    updates=(_LOGGING,),
    delete_by=(Call("delete_logging_configuration", takes=("resourceArn",)),),
    id_is=of("resourceArn"),
    replaced_by=frozenset({"resourceArn"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:wafv2/ipSet:IpSet": IP_SET,
    "aws:wafv2/webAcl:WebAcl": WEB_ACL,
    "aws:wafv2/webAclAssociation:WebAclAssociation": WEB_ACL_ASSOCIATION,
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        WEB_ACL_LOGGING_CONFIGURATION
    ),
}
