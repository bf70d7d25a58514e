"""Outputs that follow from a resource's inputs, account and region, so that no cloud is needed.

Formats of ARNs: https://docs.aws.amazon.com/service-authorization/latest/reference/ (one page a
service, "Resource types defined by").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.providers import account_of
from rehearsal.values import reveal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.graph import Resource

_ARNS: Mapping[str, tuple[str, str]] = {
    "aws:backup/vault:Vault": ("name", "arn:aws:backup:{region}:{account}:backup-vault:{name}"),
    "aws:cloudtrail/trail:Trail": (
        "name",
        "arn:aws:cloudtrail:{region}:{account}:trail/{name}",
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        "name",
        "arn:aws:logs:{region}:{account}:log-group:{name}",
    ),
    "aws:dynamodb/table:Table": ("name", "arn:aws:dynamodb:{region}:{account}:table/{name}"),
    "aws:eks/cluster:Cluster": ("name", "arn:aws:eks:{region}:{account}:cluster/{name}"),
    "aws:iam/policy:Policy": ("name", "arn:aws:iam::{account}:policy{path}{name}"),
    "aws:iam/role:Role": ("name", "arn:aws:iam::{account}:role{path}{name}"),
    "aws:iam/samlProvider:SamlProvider": (
        "name",
        "arn:aws:iam::{account}:saml-provider/{name}",
    ),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (
        "name",
        "arn:aws:firehose:{region}:{account}:deliverystream/{name}",
    ),
    "aws:kms/alias:Alias": ("name", "arn:aws:kms:{region}:{account}:{name}"),
    "aws:rds/cluster:Cluster": (
        "clusterIdentifier",
        "arn:aws:rds:{region}:{account}:cluster:{name}",
    ),
    "aws:rds/clusterInstance:ClusterInstance": (
        "identifier",
        "arn:aws:rds:{region}:{account}:db:{name}",
    ),
    "aws:s3/bucket:Bucket": ("bucket", "arn:aws:s3:::{name}"),
    "aws:sns/topic:Topic": ("name", "arn:aws:sns:{region}:{account}:{name}"),
    "aws:sqs/queue:Queue": ("name", "arn:aws:sqs:{region}:{account}:{name}"),
    "aws:ssm/parameter:Parameter": (
        "name",
        "arn:aws:ssm:{region}:{account}:parameter/{bare_name}",
    ),
}

_IDENTIFIED_BY_NAME = frozenset(
    {
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:dynamodb/table:Table",
        "aws:eks/cluster:Cluster",
        "aws:iam/role:Role",
        "aws:kms/alias:Alias",
        "aws:rds/cluster:Cluster",
        "aws:rds/clusterInstance:ClusterInstance",
        "aws:rds/clusterParameterGroup:ClusterParameterGroup",
        "aws:rds/parameterGroup:ParameterGroup",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:s3/bucket:Bucket",
        "aws:backup/vault:Vault",
        "aws:ssm/parameter:Parameter",
    }
)


def known_outputs(resource: Resource, provider: Mapping[str, Any]) -> dict[str, Any]:
    """What can be told of a resource's outputs, `id` among them, without asking a cloud.

    `provider` holds its provider's settings: `region` and `allowedAccountIds` are read.
    """
    if resource.type.startswith("kubernetes:"):
        return _kubernetes(resource)
    outputs: dict[str, Any] = {}
    if resource.type in _ARNS:
        key, template = _ARNS[resource.type]
        name = reveal(resource.inputs.get(key))
        account = account_of(provider)
        region = provider.get("region")
        if isinstance(name, str) and account and region:
            outputs["arn"] = template.format(
                name=name,
                bare_name=name.lstrip("/"),
                account=account,
                region=region,
                path=reveal(resource.inputs.get("path")) or "/",
            )
        if isinstance(name, str) and resource.type in _IDENTIFIED_BY_NAME:
            outputs["id"] = name
    if resource.type == "aws:s3/bucket:Bucket" and isinstance(resource.inputs.get("bucket"), str):
        bucket = resource.inputs["bucket"]
        outputs["bucketDomainName"] = f"{bucket}.s3.amazonaws.com"
        if provider.get("region"):
            outputs["bucketRegionalDomainName"] = f"{bucket}.s3.{provider['region']}.amazonaws.com"
    if resource.type.startswith("postgresql:") and isinstance(resource.inputs.get("name"), str):
        outputs["id"] = resource.inputs["name"]
    return outputs


def _kubernetes(resource: Resource) -> dict[str, Any]:
    metadata = resource.inputs.get("metadata") or {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str):
        return {}
    return {"id": f"{namespace}/{name}" if isinstance(namespace, str) else name}
