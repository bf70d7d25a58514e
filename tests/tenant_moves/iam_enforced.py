"""A moto server in this process that enforces IAM by the names that IAM itself has for actions."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from moto import settings
from moto.core.responses import ActionAuthenticatorMixin
from moto.iam import access_control
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

# moto asks for a call's own name. AWS asks for these, and for those of the keys that encrypt what
# is read and written. Sources: the Service Authorization Reference, and the guides of S3 (copying
# objects), of Secrets Manager (encryption) and of DynamoDB (transactions and IAM).
_OPEN, _CLOSE = "kms:Decrypt", "kms:GenerateDataKey"
ASKED = {
    "dynamodb:TransactWriteItems": ("dynamodb:PutItem",),
    "route53:ChangeResourceRecordSets": ("route53:ChangeResourceRecordSets",),
    "s3:CreateMultipartUpload": ("s3:PutObject", _CLOSE),
    "s3:GetObject": ("s3:GetObject", _OPEN),
    "s3:HeadBucket": ("s3:ListBucket",),
    "s3:PutObject": ("s3:PutObject", _CLOSE),
    "secretsmanager:CreateSecret": (
        *("secretsmanager:CreateSecret", "secretsmanager:TagResource"),
        *(_OPEN, _CLOSE),
    ),
    "secretsmanager:GetSecretValue": ("secretsmanager:GetSecretValue", _OPEN),
    "secretsmanager:PutSecretValue": ("secretsmanager:PutSecretValue", _OPEN, _CLOSE),
}
ARRANGING = ("local", "testing")
"""The keys of whoever arranges what others find and do: of them nothing is asked."""
_OF_COPIES = ("s3:GetObject", "s3:GetObjectTagging", _OPEN)
"""Besides writing, of the object that is copied from."""


@dataclass
class Enforced:
    """The server, and which actions it was asked for since it enforces."""

    url: str
    used: set[str] = field(default_factory=set)


@contextlib.contextmanager
def server() -> Iterator[Enforced]:
    """Run it; nothing is enforced yet."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    try:
        yield Enforced(f"http://{host}:{port}")
    finally:
        running.stop()


@contextlib.contextmanager
def enforcing(found: Enforced) -> Iterator[None]:
    """Enforce what each caller's policies say, and note what was asked for."""
    original = access_control.IAMRequestBase.check_action_permitted
    gate = ActionAuthenticatorMixin._authenticate_and_authorize_action

    def let_arranging_through(self: Any, *asked: Any) -> None:
        _, _, signed = self.headers.get("Authorization", "").partition("Credential=")
        if signed.partition("/")[0] not in ARRANGING:
            gate(self, *asked)

    def check(self: Any, resource: str) -> None:
        action = self._action
        if action == "s3:DeleteObject" and "/" not in resource:
            # Of many at once moto asks for the bucket, where S3 asks for each key.
            resource += "/key"
        asked = [(each, resource) for each in ASKED.get(action, (action,))]
        source = self._headers.get("x-amz-copy-source")
        if source is not None and action == "s3:PutObject":
            path = f"arn:aws:s3:::{source.lstrip('/')}"
            asked += [("s3:PutObjectTagging", resource), *((each, path) for each in _OF_COPIES)]
        for name, of in asked:
            self._action = name
            original(self, of)
            found.used.add(name)

    before = settings.INITIAL_NO_AUTH_ACTION_COUNT
    ActionAuthenticatorMixin.request_count = 0
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0.0
    found.used.clear()
    try:
        with (
            mock.patch.object(
                ActionAuthenticatorMixin,
                "_authenticate_and_authorize_action",
                let_arranging_through,
            ),
            mock.patch.object(access_control.IAMRequestBase, "check_action_permitted", check),
            # moto signs a query with parameters otherwise than the SDK does.
            mock.patch.object(access_control.IAMRequestBase, "check_signature"),
        ):
            yield
    finally:
        settings.INITIAL_NO_AUTH_ACTION_COUNT = before
        ActionAuthenticatorMixin.request_count = 0


def without(policy: dict[str, Any], action: str) -> dict[str, Any]:
    """A policy that lacks one of its actions."""
    statements = []
    for statement in policy["Statement"]:
        actions = [each for each in listed(statement["Action"]) if each != action]
        if actions:
            statements.append({**statement, "Action": actions})
    return {**policy, "Statement": statements}


def allowed(policy: dict[str, Any]) -> set[str]:
    """The actions that a policy allows anywhere."""
    return {
        action
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }


def as_moto_reads_it(policy: dict[str, Any]) -> str:
    """A policy without what moto can't compare.

    moto tells only S3 which resource is asked for, and takes a condition that it has no value of
    for one that is not fulfilled.
    """
    statements = []
    for statement in policy["Statement"]:
        kept = {**statement}
        kept.pop("Condition", None)
        if not all(action.startswith("s3:") for action in listed(statement["Action"])):
            kept["Resource"] = "*"
        statements.append(kept)
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def read_by_moto(iam: Any, role: str) -> None:
    """Have what a stack has declared for a role in the form that moto can compare."""
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=as_moto_reads_it(policy))


def listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
