"""What belongs to each version of Kubernetes: the add-ons and the node image, pinned.

Nothing here moves by itself: a new version is a change that is reviewed and planned. The versions
are those that clusters of that Kubernetes version were published with in 2026. AWS lists what it
offers with `aws eks describe-addon-versions --kubernetes-version <version>`, and the node image as
the parameter `/aws/service/bottlerocket/aws-k8s-<version>/arm64/latest/image_version`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Versions:
    """The versions that go with one minor version of Kubernetes."""

    bottlerocket: str
    """Release of the node image: the system's version and its commit."""
    vpc_cni: str
    kube_proxy: str
    pod_identity_agent: str
    coredns: str
    ebs_csi_driver: str
    metrics_server: str
    guardduty_agent: str


VERSIONS: Mapping[str, Versions] = {
    "1.33": Versions(
        bottlerocket="1.55.0-d93bb1b1",
        vpc_cni="v1.21.1-eksbuild.3",
        kube_proxy="v1.33.8-eksbuild.4",
        pod_identity_agent="v1.3.10-eksbuild.3",
        coredns="v1.13.2-eksbuild.1",
        ebs_csi_driver="v1.56.0-eksbuild.1",
        metrics_server="v0.8.1-eksbuild.4",
        guardduty_agent="v1.12.1-eksbuild.2",
    ),
    "1.34": Versions(
        bottlerocket="1.55.0-d93bb1b1",
        vpc_cni="v1.21.1-eksbuild.3",
        kube_proxy="v1.34.3-eksbuild.5",
        pod_identity_agent="v1.3.10-eksbuild.3",
        coredns="v1.13.2-eksbuild.1",
        ebs_csi_driver="v1.56.0-eksbuild.1",
        metrics_server="v0.8.1-eksbuild.4",
        guardduty_agent="v1.12.1-eksbuild.2",
    ),
    "1.35": Versions(
        bottlerocket="1.63.0-d4932ff8",
        vpc_cni="v1.21.1-eksbuild.8",
        kube_proxy="v1.35.3-eksbuild.5",
        pod_identity_agent="v1.3.10-eksbuild.3",
        coredns="v1.14.2-eksbuild.4",
        ebs_csi_driver="v1.59.0-eksbuild.1",
        metrics_server="v0.8.1-eksbuild.6",
        guardduty_agent="v1.12.1-eksbuild.2",
    ),
}
"""By minor version of Kubernetes, for every one that a cell may choose."""
