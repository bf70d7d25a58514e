"""Every workload that calls AWS does so by Pod Identity, none by IRSA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import POD_IDENTITY, SERVICE_ACCOUNT
from policies.rule import Rule, each
from policies.stack import at, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

OIDC = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ANNOTATION = "eks.amazonaws.com/role-arn"


def is_meant(resource: Resource, stack: Stack) -> bool:
    """A cell's and a tenant's own; the organization trusts GitHub's tokens."""
    return resource.type != OIDC or stack.kind != "organization"


@each(POD_IDENTITY, SERVICE_ACCOUNT, OIDC, where=is_meant, needed_in=("cell", "tenant"))
def evaluate(resource: Resource, _: Stack) -> Iterator[str]:
    """Service accounts and issuers of the old way, and associations of nobody."""
    if resource.type == OIDC:
        yield f"url is {shown(at(resource.inputs, 'url'))}: an issuer for service accounts"
    elif resource.type == SERVICE_ACCOUNT:
        annotations = at(resource.inputs, "metadata.annotations")
        if isinstance(annotations, dict) and ANNOTATION in annotations:
            yield f"metadata.annotations has {ANNOTATION}"
    else:
        for key in ("namespace", "serviceAccount", "roleArn"):
            if not at(resource.inputs, key):
                yield f"{key} is not set"


RULE = Rule(
    __name__,
    severity="medium",
    why="A role that trusts a cluster's token issuer is bound to that cluster for ever, "
    "and its trust grows with each new one.",
    remedy="Associate the service account with its role; remove the annotation and the "
    "cluster's OIDC provider.",
    evaluate=evaluate,
)
