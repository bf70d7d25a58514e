"""The service roles that pulumi-eks makes: a component, its role and the attached policies."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from rehearsal.children import Child, Ref, Whole, key_of

ROLE_TYPE: Final = "aws:iam/role:Role"


@dataclass(frozen=True, slots=True)
class MadeRole:
    """A service role's children."""

    children: tuple[Child, ...]
    role: str
    """The key of the IAM role."""

    @property
    def arn(self) -> Ref:
        """The IAM role's ARN."""
        return Ref(self.role, "arn")


def service_role(
    name: str,
    *,
    service: str,
    policies: tuple[str, ...],
    description: str | None = None,
    actions: tuple[str, ...] | None = None,
    tags: Any = None,
) -> MadeRole:
    """The children of an `eks:index:ServiceRole` with AWS managed policies, given by name."""
    arns = [f"arn:aws:iam::aws:policy/{policy}" for policy in policies]
    optional = {
        key: value
        for key, value in (("description", description), ("tags", tags))
        if value is not None
    }
    role = Child(
        type=ROLE_TYPE,
        name=f"{name}-role",
        parent=key_of("eks:index:ServiceRole", name),
        inputs={"assumeRolePolicy": _trust(service, actions or ("sts:AssumeRole",)), **optional},
    )
    component = Child(
        type="eks:index:ServiceRole",
        name=name,
        custom=False,
        inputs={
            **({"assumeRoleActions": list(actions)} if actions else {}),
            **optional,
            "managedPolicyArns": [{"arn": arn, "id": arn} for arn in arns],
            "service": service,
        },
        outputs={"directRole": Whole(role.key), "resolvedRole": Whole(role.key)},
    )
    attachments = tuple(
        Child(
            type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            name=f"{name}-{_digest(arn)}",
            parent=component.key,
            inputs={"policyArn": arn, "role": Ref(role.key, "id")},
        )
        for arn in arns
    )
    return MadeRole(children=(component, role, *attachments), role=role.key)


def _trust(service: str, actions: tuple[str, ...]) -> str:
    statement = {
        "Action": list(actions),
        "Effect": "Allow",
        "Principal": {"Service": [service]},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return json.dumps(document, separators=(",", ":"))


def _digest(arn: str) -> str:
    # The provider names attachments so; nothing is kept secret by it.
    return hashlib.sha1(arn.encode(), usedforsecurity=False).hexdigest()[:8]
