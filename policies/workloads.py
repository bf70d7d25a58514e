"""What runs in a cluster, as more than one rule asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policies.resource_types import ADDON, POD_IDENTITY
from policies.stack import at, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


def associations(stack: Stack) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Every association of a service account with a role: those declared alone, and add-ons'."""
    for each in stack.of_type(POD_IDENTITY):
        yield each, each.inputs
    for addon in stack.of_type(ADDON):
        cluster = {"namespace": "kube-system", "clusterName": addon.inputs.get("clusterName")}
        for each in listed(at(addon.inputs, "podIdentityAssociations")):
            yield addon, {**cluster, **each}


def is_network_plugin(addon: Resource, _: Stack) -> bool:
    """Whether an add-on is the VPC CNI."""
    return bool(at(addon.inputs, "addonName") == "vpc-cni")


def is_karpenter(release: Resource, _: Stack) -> bool:
    """Whether a release is Karpenter's chart."""
    return str(at(release.inputs, "chart")).rpartition("/")[2] == "karpenter"
