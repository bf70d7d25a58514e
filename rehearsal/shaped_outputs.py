"""Outputs whose shape is known though their values are not: lists and objects of placeholders.

Without them everything computed from a certificate's validation records or a cluster's endpoint
would be unknown as a whole, and a plan would say less than it can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rehearsal.graph import Resource

    Placeholder = Callable[[str], str]

NAME_SERVERS = 4
"""Route 53 gives every public zone four.

Source: https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/GetInfoAboutHostedZone.html
"""


def shaped_outputs(resource: Resource, placeholder: Placeholder) -> dict[str, Any]:
    """Lists and objects among the outputs; `placeholder` names one value by its path."""
    shape = _SHAPES.get(resource.type)
    return shape(resource.inputs, placeholder) if shape else {}


def _eks_cluster(inputs: Mapping[str, Any], placeholder: Placeholder) -> dict[str, Any]:
    network = inputs.get("vpcConfig")
    outputs: dict[str, Any] = {
        "certificateAuthority": {"data": placeholder("certificateAuthority.data")},
        "identities": [{"oidcs": [{"issuer": placeholder("identities[0].oidcs[0].issuer")}]}],
    }
    if isinstance(network, dict):
        group = placeholder("vpcConfig.clusterSecurityGroupId")
        outputs["vpcConfig"] = {**network, "clusterSecurityGroupId": group}
    return outputs


def _certificate(inputs: Mapping[str, Any], placeholder: Placeholder) -> dict[str, Any]:
    names = [inputs.get("domainName"), *(inputs.get("subjectAlternativeNames") or [])]
    unique = list(dict.fromkeys(name for name in names if isinstance(name, str)))
    return {
        "domainValidationOptions": [
            {
                "domainName": name,
                "resourceRecordName": placeholder(f"domainValidationOptions[{i}].name"),
                "resourceRecordType": "CNAME",
                "resourceRecordValue": placeholder(f"domainValidationOptions[{i}].value"),
            }
            for i, name in enumerate(unique)
        ]
    }


def _zone(_inputs: Mapping[str, Any], placeholder: Placeholder) -> dict[str, Any]:
    return {"nameServers": [placeholder(f"nameServers[{i}]") for i in range(NAME_SERVERS)]}


def _database_cluster(inputs: Mapping[str, Any], placeholder: Placeholder) -> dict[str, Any]:
    outputs: dict[str, Any] = {"port": inputs.get("port", 5432)}
    if inputs.get("manageMasterUserPassword"):
        outputs["masterUserSecrets"] = [
            {
                "kmsKeyId": inputs.get("masterUserSecretKmsKeyId"),
                "secretArn": placeholder("masterUserSecrets[0].secretArn"),
                "secretStatus": "active",
            }
        ]
    return outputs


_SHAPES: Mapping[str, Callable[[Mapping[str, Any], Placeholder], dict[str, Any]]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:eks/cluster:Cluster": _eks_cluster,
    "aws:rds/cluster:Cluster": _database_cluster,
    "aws:route53/zone:Zone": _zone,
}
