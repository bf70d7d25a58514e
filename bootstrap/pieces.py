"""What each account must have before the organization's stack can be brought up, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bootstrap.documents import bucket_policy, key_policy
from bootstrap.piece import document
from bootstrap.role import Role
from bootstrap.state_bucket import Replication, StateBucket
from bootstrap.state_key import StateKey
from components.aws.boundaries import BOOTSTRAP_ROLE
from components.aws.policy_document import account_root
from components.aws.state import state_bucket, state_key_alias

if TYPE_CHECKING:
    from collections.abc import Callable

    from bootstrap.piece import Document, Piece
    from catalog.organization import Organization

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def pieces(
    organization: Organization,
    account: str,
    copy_region: str,
    client: Callable[[str, str], Any],
) -> tuple[Piece, ...]:
    """The pieces of an account, by its name in the catalog; `client` is of its credentials.

    Raises:
        ValueError: the copy would lie where the states do.
    """
    if copy_region == organization.home_region:
        raise ValueError(
            f"the copy of the states must lie in another region than {copy_region}, which is the "
            "organization's home"
        )
    if account != "management":
        return (_deployer(organization, client),)
    return _states(organization, copy_region, client)


def _deployer(organization: Organization, client: Callable[[str, str], Any]) -> Role:
    return Role(
        name=BOOTSTRAP_ROLE,
        description="The organization's stack works here through it",
        trust=document(
            {
                "Effect": "Allow",
                "Principal": {"AWS": account_root(organization.accounts.management)},
                "Action": "sts:AssumeRole",
            }
        ),
        managed=ADMINISTRATOR,
        client=client,
        region=organization.home_region,
    )


def _states(
    organization: Organization, copy_region: str, client: Callable[[str, str], Any]
) -> tuple[Piece, ...]:
    name = state_bucket(organization)
    copy = f"{name}-copy"
    key = StateKey(
        alias=state_key_alias(organization),
        region=organization.home_region,
        copy_region=copy_region,
        policy=key_policy(organization),
        client=client,
    )
    copier = Role(
        name=copy,
        description="S3 copies Pulumi's states by it",
        trust=document(
            {
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": organization.accounts.management}
                },
            }
        ),
        inline=_copying(organization, name, copy, copy_region),
        client=client,
        region=organization.home_region,
    )
    return (
        key,
        copier,
        StateBucket(
            name=copy,
            region=copy_region,
            key=key,
            policy=_over_tls(copy),
            client=client,
        ),
        StateBucket(
            name=name,
            region=organization.home_region,
            key=key,
            policy=bucket_policy(organization, name),
            client=client,
            replication=Replication(
                copy,
                copy_region,
                f"arn:aws:iam::{organization.accounts.management}:role/{copier.name}",
            ),
        ),
    )


def _over_tls(bucket: str) -> Document:
    arn = f"arn:aws:s3:::{bucket}"
    return document(
        {
            "Sid": "OverTlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def _copying(organization: Organization, name: str, copy: str, copy_region: str) -> Document:
    """Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html"""
    keys = f"arn:aws:kms:{{}}:{organization.accounts.management}:key/*"

    def by_s3(action: str, region: str) -> Document:
        return {
            "Effect": "Allow",
            "Action": action,
            "Resource": keys.format(region),
            "Condition": {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
        }

    return document(
        {
            "Effect": "Allow",
            "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
            "Resource": f"arn:aws:s3:::{name}",
        },
        {
            "Effect": "Allow",
            "Action": [
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            "Resource": f"arn:aws:s3:::{name}/*",
        },
        {
            "Effect": "Allow",
            "Action": ["s3:ReplicateObject", "s3:ReplicateTags"],
            "Resource": f"arn:aws:s3:::{copy}/*",
        },
        by_s3("kms:Decrypt", organization.home_region),
        by_s3("kms:Encrypt", copy_region),
    )
