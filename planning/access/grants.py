"""Permissions that resources give without a document, as the statements that they amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.values import Secret, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rehearsal.graph import Resource

Statement = dict[str, Any]


class NotKnownError(Exception):
    """What a grant consists of is secret, or known only once it is deployed."""


def statements(resource: Resource) -> list[Statement]:
    """What a resource grants; empty where its type grants nothing without a document.

    Raises:
        NotKnownError: it grants something, but what can't be told.
    """
    read = _READ.get(resource.type)
    return [] if read is None else list(read(resource.inputs))


def _known(inputs: Mapping[str, Any], name: str) -> Any:
    value = inputs.get(name)
    if isinstance(value, Secret) or not is_known(value):
        raise NotKnownError(name)
    return value


def _allow(
    principal: Any, actions: Any, on: Any, conditions: Mapping[str, Mapping[str, Any]] | None = None
) -> Statement:
    statement = {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": on}
    return {**statement, "Condition": dict(conditions)} if conditions else statement


def _function(inputs: Mapping[str, Any]) -> Iterator[Statement]:
    """Source: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html."""
    equal = {
        key: _known(inputs, name)
        for key, name in (
            ("aws:SourceAccount", "sourceAccount"),
            ("aws:PrincipalOrgID", "principalOrgId"),
            ("lambda:EventSourceToken", "eventSourceToken"),
            ("lambda:FunctionUrlAuthType", "functionUrlAuthType"),
        )
        # A URL that asks nobody who they are is no condition.
        if inputs.get(name) not in (None, "NONE")
    }
    conditions: dict[str, dict[str, Any]] = {"StringEquals": equal} if equal else {}
    if inputs.get("sourceArn") is not None:
        conditions["ArnLike"] = {"aws:SourceArn": _known(inputs, "sourceArn")}
    principal = _known(inputs, "principal")
    service = isinstance(principal, str) and principal.endswith((".amazonaws.com", ".aws.internal"))
    who = {"Service": principal} if service else _account(principal)
    yield _allow(who, _known(inputs, "action"), _known(inputs, "function"), conditions)


def _key(inputs: Mapping[str, Any]) -> Iterator[Statement]:
    """Source: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html."""
    conditions: dict[str, dict[str, Any]] = {}
    for each in _known(inputs, "constraints") or ():
        for name in ("encryptionContextEquals", "encryptionContextSubset"):
            context = each.get(name) or {}
            for key, value in context.items():
                conditions.setdefault("StringEquals", {})[f"kms:EncryptionContext:{key}"] = value
    operations = [f"kms:{each}" for each in _known(inputs, "operations") or ()]
    who = _account(_known(inputs, "granteePrincipal"))
    yield _allow(who, operations, _known(inputs, "keyId"), conditions)
    if inputs.get("retiringPrincipal") is not None:
        who = _account(_known(inputs, "retiringPrincipal"))
        yield _allow(who, "kms:RetireGrant", _known(inputs, "keyId"))


def _bus(inputs: Mapping[str, Any]) -> Iterator[Statement]:
    """Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html."""
    conditions: dict[str, dict[str, Any]] = {}
    condition = _known(inputs, "condition")
    if condition is not None:
        conditions[condition["type"]] = {condition["key"]: condition["value"]}
    action = _known(inputs, "action") or "events:PutEvents"
    bus = _known(inputs, "eventBusName") or "default"
    yield _allow(_account(_known(inputs, "principal")), action, bus, conditions)


def _image(inputs: Mapping[str, Any]) -> Iterator[Statement]:
    """Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharing-amis.html."""
    named = (_known(inputs, name) for name in _SHARED_WITH)
    who = "*" if _known(inputs, "group") == "all" else _account(next(filter(None, named), "*"))
    yield _allow(who, ["ec2:CopyImage", "ec2:RunInstances"], _known(inputs, "imageId"))


_SHARED_WITH = ("accountId", "organizationArn", "organizationalUnitArn")


def _snapshot(inputs: Mapping[str, Any]) -> Iterator[Statement]:
    """Source: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html."""
    who = _account(_known(inputs, "accountId"))
    yield _allow(who, ["ec2:CopySnapshot", "ec2:CreateVolume"], _known(inputs, "snapshotId"))


_CANNED = {
    "public-read": ["s3:ListBucket"],
    "public-read-write": ["s3:ListBucket", "s3:PutObject"],
    "authenticated-read": ["s3:ListBucket"],
}
"""What everyone may: S3 takes whoever has any account of AWS for authenticated.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl.
"""


def _bucket(inputs: Mapping[str, Any]) -> Iterator[Statement]:
    if inputs.get("accessControlPolicy") is not None:
        # Its grants go to canonical ids, which tell nobody whose they are.
        raise NotKnownError("accessControlPolicy")
    actions = _CANNED.get(_known(inputs, "acl") or "")
    if actions is not None:
        yield _allow("*", actions, _known(inputs, "bucket"))


def _account(principal: Any) -> Any:
    return principal if principal == "*" else {"AWS": principal}


_READ: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Statement]]] = {
    "aws:lambda/permission:Permission": _function,
    "aws:kms/grant:Grant": _key,
    "aws:cloudwatch/eventPermission:EventPermission": _bus,
    "aws:ec2/amiLaunchPermission:AmiLaunchPermission": _image,
    "aws:ec2/snapshotCreateVolumePermission:SnapshotCreateVolumePermission": _snapshot,
    "aws:s3/bucketAcl:BucketAcl": _bucket,
    "aws:s3/bucketAclV2:BucketAclV2": _bucket,
}
