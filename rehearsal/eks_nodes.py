"""The children that pulumi-eks makes for a managed node group."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from rehearsal.children import Child, Derived, Expanded, External, Ref, UnsupportedInputError, Whole
from rehearsal.eks_cluster import cluster_urn
from rehearsal.values import reveal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.eks_cluster import Lookup

_UNSUPPORTED: Final = (
    "kubeletExtraArgs",
    "bootstrapExtraArgs",
    "bottlerocketSettings",
    "nodeadmExtraOptions",
    "userData",
    "amiId",
    "enableEfaSupport",
)
"""They make the provider look up an AMI and write user data."""
_PASSED: Final = (
    "capacityType",
    "diskSize",
    "forceUpdateVersion",
    "instanceTypes",
    "labels",
    "nodeGroupName",
    "nodeGroupNamePrefix",
    "releaseVersion",
    "remoteAccess",
    "tags",
    "taints",
    "version",
)
_AMI_TYPES: Final = {
    ("AL2", "x86_64", False): "AL2_x86_64",
    ("AL2", "x86_64", True): "AL2_x86_64_GPU",
    ("AL2", "arm64", False): "AL2_ARM_64",
    ("AL2023", "x86_64", False): "AL2023_x86_64_STANDARD",
    ("AL2023", "x86_64", True): "AL2023_x86_64_NVIDIA",
    ("AL2023", "arm64", False): "AL2023_ARM_64_STANDARD",
    ("Bottlerocket", "x86_64", False): "BOTTLEROCKET_x86_64",
    ("Bottlerocket", "x86_64", True): "BOTTLEROCKET_x86_64_NVIDIA",
    ("Bottlerocket", "arm64", False): "BOTTLEROCKET_ARM_64",
    ("Bottlerocket", "arm64", True): "BOTTLEROCKET_ARM_64_NVIDIA",
}
_DATA_VOLUME: Final = {"Bottlerocket": "/dev/xvdb"}
_ROOT_VOLUME: Final = "/dev/xvda"
_GRAVITON: Final = re.compile(r"^(a1\.|[a-z]+[0-9]+g)")


def expand(name: str, inputs: dict[str, Any], lookup: Lookup) -> Expanded:
    """The children and outputs of an `eks:index:ManagedNodeGroup`."""
    _refuse_unsupported(name, inputs)
    cluster = cluster_urn(inputs, lookup)
    template = _launch_template(name, inputs) if "enableIMDSv2" in inputs else None
    passed: dict[str, Any] = {key: inputs[key] for key in _PASSED if key in inputs}
    if template is not None:
        passed.pop("diskSize", None)
        passed["launchTemplate"] = {
            "id": Ref(template.key, "id"),
            "version": Derived((Ref(template.key, "latestVersion"),), str),
        }
    elif "launchTemplate" in inputs:
        passed["launchTemplate"] = inputs["launchTemplate"]
    else:
        passed.setdefault("version", External(cluster, "version"))
    ami_type = inputs.get("amiType", _ami_type(inputs))
    if ami_type is not None:
        passed["amiType"] = ami_type
    scaling = inputs.get("scalingConfig", {})
    group = Child(
        type="aws:eks/nodeGroup:NodeGroup",
        name=name,
        inputs={
            **passed,
            "clusterName": inputs.get("clusterName", External(cluster, "name")),
            "nodeRoleArn": _role_arn(inputs),
            "scalingConfig": Derived((scaling,), _scaling),
            "subnetIds": inputs.get("subnetIds") or _cluster_subnets(inputs, lookup),
        },
        ignore_changes=(
            ("scalingConfig.desiredSize",) if reveal(inputs.get("ignoreScalingChanges")) else ()
        ),
    )
    return Expanded(
        children=(group,) if template is None else (template, group),
        outputs={"nodeGroup": Whole(group.key), "placementGroupName": ""},
    )


def _refuse_unsupported(name: str, inputs: Mapping[str, Any]) -> None:
    def refuse(input: str, remedy: str) -> None:
        raise UnsupportedInputError("eks:index:ManagedNodeGroup", name, input, remedy)

    for input in _UNSUPPORTED:
        if input in inputs:
            refuse(input, "put it into an own launch template")
    if "launchTemplate" in inputs and "enableIMDSv2" in inputs:
        refuse("enableIMDSv2 with launchTemplate", "say it in the launch template")
    if ("nodeRole" in inputs) == ("nodeRoleArn" in inputs):
        refuse("both or neither of nodeRole and nodeRoleArn", "give one of them")


def _role_arn(inputs: Mapping[str, Any]) -> Any:
    return (
        inputs["nodeRoleArn"]
        if "nodeRoleArn" in inputs
        else External(inputs["nodeRole"].urn, "arn")
    )


def _cluster_subnets(inputs: Mapping[str, Any], lookup: Lookup) -> Any:
    return lookup(inputs["cluster"].urn)[3]["core"]["subnetIds"]


def _scaling(config: Mapping[str, int]) -> dict[str, int]:
    # The provider's own defaults.
    return {
        "desiredSize": config.get("desiredSize", 2),
        "maxSize": config.get("maxSize", 2),
        "minSize": config.get("minSize", 1),
    }


def _ami_type(inputs: Mapping[str, Any]) -> Derived | None:
    if "operatingSystem" not in inputs:
        return None
    return Derived(
        (inputs["operatingSystem"], inputs.get("instanceTypes", []), inputs.get("gpu", False)),
        ami_type,
    )


def ami_type(operating_system: str, instance_types: list[str], gpu: bool) -> str:
    """EKS' AMI type for an operating system and the architecture of the instance types.

    Raises:
        ValueError: the instance types are of both architectures, or no such AMI exists.
    """
    graviton = {bool(_GRAVITON.match(instance)) for instance in instance_types}
    if len(graviton) > 1:
        raise ValueError(
            f"instance types of one architecture are needed, got {', '.join(instance_types)}"
        )
    architecture = "arm64" if graviton == {True} else "x86_64"
    try:
        return _AMI_TYPES[operating_system, architecture, gpu]
    except KeyError:
        kind = " with GPU" if gpu else ""
        raise ValueError(f"there is no {operating_system} {architecture} AMI{kind}") from None


def _launch_template(name: str, inputs: Mapping[str, Any]) -> Child:
    given: dict[str, Any] = {
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpPutResponseHopLimit": 2,
            "httpTokens": "required" if reveal(inputs["enableIMDSv2"]) else "optional",
        }
    }
    if "diskSize" in inputs:
        system = reveal(inputs.get("operatingSystem"))
        volume = {
            "deviceName": _DATA_VOLUME.get(system, _ROOT_VOLUME),
            "ebs": {"volumeSize": inputs["diskSize"]},
        }
        given["blockDeviceMappings"] = [volume]
    return Child(
        type="aws:ec2/launchTemplate:LaunchTemplate", name=f"{name}-launchTemplate", inputs=given
    )
