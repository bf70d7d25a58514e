"""Small graphs with permissions in them, for the tests that compare two."""

import json
from typing import Any

from planning.access.compare import changes
from planning.checks import AccessChange
from rehearsal.graph import Graph, Resource

PROVIDER = "urn:pulumi:cell.x::patchworks::pulumi:providers:aws::main"


def resource(kind: str, label: str, /, **inputs: Any) -> Resource:
    return Resource(
        urn=f"urn:pulumi:cell.x::patchworks::{kind}::{label}",
        type=kind,
        name=label,
        custom=True,
        inputs=inputs,
        provider=PROVIDER if kind.startswith("aws:") else None,
    )


def graph(*resources: Resource) -> Graph:
    provider = Resource(
        urn=PROVIDER,
        type="pulumi:providers:aws",
        name="main",
        custom=True,
        inputs={"allowedAccountIds": '["111122223333"]'},
    )
    found = {each.urn: each for each in (provider, *resources)}
    assert len(found) == len(resources) + 1
    return Graph(stack="cell.x", resources=found, exports={})


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, on: Any = "arn:aws:s3:::b/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


def deny(action: Any, on: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": on, **more}


def role(name: str = "app", service: str = "pods.eks.amazonaws.com", **inputs: Any) -> Resource:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return resource(
        "aws:iam/role:Role",
        f"{name}-role",
        **{"name": name, "assumeRolePolicy": document(trust), **inputs},
    )


def trusting(**statement: Any) -> Resource:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", **statement}
    return role("ci", assumeRolePolicy=document(trust))


def rights(*statements: dict[str, Any], of: str = "app", name: str = "rights") -> Resource:
    return resource("aws:iam/rolePolicy:RolePolicy", name, role=of, policy=document(*statements))


def gained(before: list[Resource], after: list[Resource]) -> tuple[AccessChange, ...]:
    return changes(graph(*before), graph(*after)).gained


def lost(before: list[Resource], after: list[Resource]) -> tuple[AccessChange, ...]:
    return changes(graph(*before), graph(*after)).lost


def texts(found: tuple[AccessChange, ...]) -> list[str]:
    return [each.text for each in found]
