"""Where AWS Config of every account and region delivers, and where it is read as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from components.aws.bucket import Bucket, BucketSpec
from components.aws.keys import Key
from components.aws.policy_document import account_root, policy_document, service_trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.organization import Organization

CONFIG_SERVICE = "config.amazonaws.com"


def configuration_bucket(organization: Organization) -> str:
    """The bucket of configuration histories, in the audit account."""
    return f"{organization.name}-audit-configuration"


def recorder_role(organization: Organization) -> str:
    """The name of the role that records an account's configuration, the same in every account."""
    return f"{organization.name}-config-recorder"


class ConfigurationArchive(pulumi.ComponentResource):
    """The bucket, its key, and the organization's aggregator, in the audit account.

    The bucket has no lock: Config refuses to deliver to one with a default retention. What changed
    is in the locked trail as well.
    """

    bucket_name: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        accounts: Sequence[str],
        management_provider: aws.Provider,
        log_bucket: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:ConfigurationArchive", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        key = Key(
            f"{name}-key",
            alias=f"{organization.name}-audit-configuration",
            description="Encrypts the configuration histories of all accounts",
            account=organization.accounts.audit,
            statements=_key_statements(organization, accounts),
            opts=self._child,
        )
        bucket_name = configuration_bucket(organization)
        bucket = Bucket(
            f"{name}-bucket",
            BucketSpec(versions_days=90, expiry_days=organization.archive_retention_days),
            bucket_name=bucket_name,
            key_arn=key.key_arn,
            account=organization.accounts.audit,
            statements=_bucket_statements(organization, accounts, bucket_name),
            log_bucket=log_bucket,
            opts=self._child,
        )
        self._aggregate(name, organization, management_provider)
        self.bucket_name = bucket.bucket_name
        self.key_arn = key.key_arn
        self.register_outputs({"bucket_name": self.bucket_name, "key_arn": self.key_arn})

    def _aggregate(
        self, name: str, organization: Organization, management_provider: aws.Provider
    ) -> None:
        delegation = aws.organizations.DelegatedAdministrator(
            f"{name}-administrator",
            account_id=organization.accounts.audit,
            service_principal=CONFIG_SERVICE,
            opts=pulumi.ResourceOptions(parent=self, provider=management_provider),
        )
        role = aws.iam.Role(
            f"{name}-aggregator-role",
            name=f"{organization.name}-config-aggregator",
            description="AWS Config reads which accounts the organization has",
            assume_role_policy=policy_document([config_trust(organization.accounts.audit)]),
            opts=self._child,
        )
        attachment = aws.iam.RolePolicyAttachment(
            f"{name}-aggregator-policy",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AWSConfigRoleForOrganizations",
            opts=self._child,
        )
        aws.cfg.ConfigurationAggregator(
            f"{name}-aggregator",
            name=f"{organization.name}-organization",
            organization_aggregation_source={"all_regions": True, "role_arn": role.arn},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[delegation, attachment]),
        )


def config_trust(account: str) -> Mapping[str, Any]:
    """Trust in AWS Config that acts for one account."""
    return service_trust("ConfigOfThisAccount", CONFIG_SERVICE, account)


def _recorders(organization: Organization) -> Mapping[str, Any]:
    return {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{recorder_role(organization)}"}}


def _key_statements(organization: Organization, accounts: Sequence[str]) -> list[Mapping[str, Any]]:
    return [
        {
            "Sid": "RecordersEncrypt",
            "Effect": "Allow",
            "Principal": {"AWS": [account_root(account) for account in accounts]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": _recorders(organization),
        }
    ]


def _bucket_statements(
    organization: Organization, accounts: Sequence[str], bucket_name: str
) -> list[Mapping[str, Any]]:
    bucket = f"arn:aws:s3:::{bucket_name}"
    principal = {"AWS": [account_root(account) for account in accounts]}
    return [
        {
            "Sid": "RecordersLook",
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
            "Resource": bucket,
            "Condition": _recorders(organization),
        },
        {
            "Sid": "RecordersWriteBelowTheirAccount",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "s3:PutObject",
            "Resource": f"{bucket}/AWSLogs/${{aws:PrincipalAccount}}/Config/*",
            "Condition": _recorders(organization),
        },
    ]
