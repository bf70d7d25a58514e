"""What a slice is given by its cell and its database, and what its services may do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class CellParts:
    """What a slice needs of the cell it lies in."""

    vpc_id: pulumi.Input[str]
    public_subnet_ids: Sequence[pulumi.Input[str]]
    node_security_group_id: pulumi.Input[str]
    load_balancer_security_group_id: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    load_balancer_log_bucket: pulumi.Input[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """Where the database that the slice's pooler serves from is, and as whom to log in."""

    writer_endpoint: pulumi.Input[str]
    reader_endpoint: pulumi.Input[str]
    port: pulumi.Input[int]
    database_name: pulumi.Input[str]
    application_role: pulumi.Input[str]
    application_password: pulumi.Input[str]


def connection(
    database: DatabaseAddress, pooler_host: pulumi.Input[str], pooler_port: int
) -> pulumi.Output[str]:
    """All that a client needs, as JSON: the pooler for services, the endpoints for operators."""
    return pulumi.Output.json_dumps(
        {
            "host": pooler_host,
            "port": pooler_port,
            "writer_host": database.writer_endpoint,
            "reader_host": database.reader_endpoint,
            "database_port": database.port,
            "dbname": database.database_name,
            "username": database.application_role,
            "password": database.application_password,
        }
    )


def own_rights(
    bucket_arn: pulumi.Output[str], secret_arn: pulumi.Output[str], key_arn: pulumi.Input[str]
) -> list[Mapping[str, Any]]:
    """What a tenant's service may do: use the tenant's own objects, secret and key."""
    return [
        {
            "Sid": "ListOwnObjects",
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
            "Resource": bucket_arn,
        },
        {
            "Sid": "UseOwnObjects",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": pulumi.Output.concat(bucket_arn, "/*"),
        },
        {
            "Sid": "ReadOwnSecret",
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": secret_arn,
        },
        {
            "Sid": "UseOwnKey",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": key_arn,
        },
    ]
