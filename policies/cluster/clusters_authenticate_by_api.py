"""Clusters are in the authentication mode API from their first day on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import CLUSTER
from policies.rule import Rule, differences, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(
    CLUSTER,
    "kubernetes:core/v1:ConfigMap",
    where=lambda r, _: r.type == CLUSTER or is_old(r),
    needed_in=("cell",),
)
def evaluate(resource: Resource, _: Stack) -> Iterator[str]:
    """Old grants, and clusters that would read them."""
    if is_old(resource):
        yield "metadata.name is aws-auth, which grants rights in the cluster"
    else:
        yield from differences(resource, {"accessConfig.authenticationMode": "API"})


def is_old(resource: Resource) -> bool:
    """Whether it is the config map that granted rights before there were access entries."""
    return bool(at(resource.inputs, "metadata.name") == "aws-auth")


RULE = Rule(
    __name__,
    severity="high",
    why="Every other mode keeps a config map that grants rights and that no audit of IAM "
    "shows, and the mode can't be changed back.",
    remedy="Set accessConfig.authenticationMode to API and grant rights by access entries; "
    "remove aws-auth.",
    evaluate=evaluate,
)
