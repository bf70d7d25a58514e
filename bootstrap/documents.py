"""The policies of the states' bucket and keys: who may read and write which states."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from bootstrap.piece import Document, document
from catalog.base import Environment
from components.aws.ci_roles import deploy_role, drift_role, preview_role
from components.aws.policy_document import account_root
from components.aws.state import state_key_alias

if TYPE_CHECKING:
    from catalog.organization import Organization

CONTEXT = "environment"
"""The key's encryption context that tells one environment's secrets from another's."""

PROJECT = "patchworks"
"""The project's name in Pulumi.yaml, and so the folder of its states."""

_ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)


def secrets_provider(organization: Organization, environment: str) -> str:
    """How `pulumi stack init` is told to seal a stack's secrets, by the environment of its key.

    The key is named by its alias' ARN: KMS looks for a bare alias in the caller's own account, and
    cells and tenants are brought up from others than the key's.
    """
    region = organization.home_region
    alias = f"arn:aws:kms:{region}:{organization.accounts.management}"
    alias += f":{state_key_alias(organization)}"
    return f"awskms:///{alias}?region={region}&context_{CONTEXT}={environment}"


def key_policy(organization: Organization) -> Document:
    """Management administers the key; a deploy role opens its own environment's secrets alone."""
    statements: list[Document] = [
        {
            "Sid": "Management",
            "Effect": "Allow",
            "Principal": {"AWS": account_root(organization.accounts.management)},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
    for environment, role in _deploy_roles(organization).items():
        # A role can be named before it is there only in a condition.
        whoever = {
            "Principal": {"AWS": account_root(organization.account(environment))},
            "Resource": "*",
        }
        its = {"ArnEquals": {"aws:PrincipalArn": role}}
        statements += [
            {
                "Sid": f"Secrets{environment.title()}",
                "Effect": "Allow",
                **whoever,
                "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
                "Condition": {
                    **its,
                    "StringEquals": {f"kms:EncryptionContext:{CONTEXT}": environment},
                },
            },
            {
                # The bucket's own encryption, whose context S3 sets.
                "Sid": f"Bucket{environment.title()}",
                "Effect": "Allow",
                **whoever,
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Condition": {
                    **its,
                    "StringEquals": {
                        "kms:ViaService": f"s3.{organization.home_region}.amazonaws.com"
                    },
                },
            },
            {
                "Sid": f"Look{environment.title()}",
                "Effect": "Allow",
                **whoever,
                "Action": "kms:DescribeKey",
                "Condition": its,
            },
        ]
    for environment, role in _preview_roles(organization).items():
        whoever = {
            "Principal": {"AWS": account_root(organization.account(environment))},
            "Action": "kms:Decrypt",
            "Resource": "*",
        }
        its = {"ArnEquals": {"aws:PrincipalArn": role}}
        statements += [
            {
                "Sid": f"SecretsPreview{environment.title()}",
                "Effect": "Allow",
                **whoever,
                "Condition": {
                    **its,
                    "StringEquals": {f"kms:EncryptionContext:{CONTEXT}": environment},
                },
            },
            {
                "Sid": f"BucketPreview{environment.title()}",
                "Effect": "Allow",
                **whoever,
                "Condition": {
                    **its,
                    "StringEquals": {
                        "kms:ViaService": f"s3.{organization.home_region}.amazonaws.com"
                    },
                },
            },
        ]
    production = {
        "Principal": {"AWS": account_root(organization.accounts.prod)},
        "Resource": "*",
    }
    drift = {"ArnEquals": {"aws:PrincipalArn": _drift_role(organization)}}
    statements += [
        {
            "Sid": "SecretsDrift",
            "Effect": "Allow",
            **production,
            "Action": "kms:Decrypt",
            "Condition": {
                **drift,
                "StringEquals": {f"kms:EncryptionContext:{CONTEXT}": "prod"},
            },
        },
        {
            "Sid": "BucketDrift",
            "Effect": "Allow",
            **production,
            # A lock is written to the bucket, under its own encryption.
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Condition": {
                **drift,
                "StringEquals": {"kms:ViaService": f"s3.{organization.home_region}.amazonaws.com"},
            },
        },
    ]
    return document(*statements)


def bucket_policy(organization: Organization, bucket: str) -> Document:
    """Over TLS only; a deploy role writes its environment's cells, what joins them, and tenants.

    A tenant's stack does not bear its environment's name, so another environment's role could
    overwrite a tenant's state; it could not read the secrets in it, and versions are kept.
    """
    arn = f"arn:aws:s3:::{bucket}"
    statements: list[Document] = [
        {
            "Sid": "OverTlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    for environment, role in _deploy_roles(organization).items():
        whoever = {"Principal": {"AWS": account_root(organization.account(environment))}}
        its = {"Condition": {"ArnEquals": {"aws:PrincipalArn": role}}}
        statements += [
            {
                "Sid": f"Read{environment.title()}",
                "Effect": "Allow",
                **whoever,
                # A cell reads the organization's exports, a tenant its cell's.
                "Action": ["s3:GetObject", "s3:ListBucket"],
                "Resource": [arn, f"{arn}/.pulumi/*"],
                **its,
            },
            {
                "Sid": f"Write{environment.title()}",
                "Effect": "Allow",
                **whoever,
                "Action": ["s3:DeleteObject", "s3:PutObject"],
                "Resource": [
                    f"{arn}/.pulumi/{kind}/{below}{stack}*"
                    for kind in ("stacks", "history", "backups", "locks")
                    for below in (f"organization/{PROJECT}/" if kind == "locks" else f"{PROJECT}/",)
                    for stack in (f"cell.{environment}-", f"peering.{environment}-", "tenant.")
                ],
                **its,
            },
        ]
    statements += [
        {
            "Sid": f"ReadPreview{environment.title()}",
            "Effect": "Allow",
            "Principal": {"AWS": account_root(organization.account(environment))},
            # A preview takes no lock and writes nothing.
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [arn, f"{arn}/.pulumi/*"],
            "Condition": {"ArnEquals": {"aws:PrincipalArn": role}},
        }
        for environment, role in _preview_roles(organization).items()
    ]
    production = {"Principal": {"AWS": account_root(organization.accounts.prod)}}
    drift = {"Condition": {"ArnEquals": {"aws:PrincipalArn": _drift_role(organization)}}}
    statements += [
        {
            "Sid": "ReadDrift",
            "Effect": "Allow",
            **production,
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [arn, f"{arn}/.pulumi/*"],
            **drift,
        },
        {
            "Sid": "LockDrift",
            "Effect": "Allow",
            **production,
            "Action": ["s3:DeleteObject", "s3:PutObject"],
            "Resource": [
                f"{arn}/.pulumi/locks/organization/{PROJECT}/{stack}*"
                for stack in ("cell.prod-", "tenant.")
            ],
            **drift,
        },
    ]
    return document(*statements)


def _drift_role(organization: Organization) -> str:
    return f"arn:aws:iam::{organization.accounts.prod}:role/{drift_role(organization)}"


def _deploy_roles(organization: Organization) -> dict[Environment, str]:
    return {
        environment: f"arn:aws:iam::{organization.account(environment)}:role/"
        f"{deploy_role(organization, environment)}"
        for environment in _ENVIRONMENTS
    }


def _preview_roles(organization: Organization) -> dict[Environment, str]:
    return {
        environment: f"arn:aws:iam::{organization.account(environment)}:role/"
        f"{preview_role(organization)}"
        for environment in _ENVIRONMENTS
    }
