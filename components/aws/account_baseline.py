"""What every account must have before anything is put in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.configuration_archive import (
    config_trust,
    configuration_bucket,
    recorder_role,
)
from components.aws.policy_document import policy_document
from components.aws.region_baseline import RegionBaseline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.organization import Organization
    from components.aws.configuration_archive import ConfigurationArchive


class AccountBaseline(pulumi.ComponentResource):
    """One account's guards: no public buckets, a recorder's role, and each region's baseline.

    `regions` are all that the account uses; the organization's home region is added.
    """

    recorder_role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        account: str,
        regions: Sequence[str],
        configuration: ConfigurationArchive,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:AccountBaseline", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        aws.s3.AccountPublicAccessBlock(
            f"{name}-public-access",
            account_id=account,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        role, ready = self._recorder_role(name, organization, account, configuration.key_arn)
        for region in sorted({organization.home_region, *regions}):
            RegionBaseline(
                f"{name}-{region}",
                region=region,
                is_home=region == organization.home_region,
                recorder_role_arn=role.arn,
                bucket_name=configuration.bucket_name,
                bucket_key_arn=configuration.key_arn,
                delivery_after=[*ready, configuration],
                opts=child,
            )
        self.recorder_role_arn = role.arn
        self.register_outputs({"recorder_role_arn": self.recorder_role_arn})

    def _recorder_role(
        self,
        name: str,
        organization: Organization,
        account: str,
        bucket_key_arn: pulumi.Input[str],
    ) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-recorder",
            name=recorder_role(organization),
            description="AWS Config reads the settings of everything in this account",
            assume_role_policy=policy_document([config_trust(account)]),
            opts=child,
        )
        reading = aws.iam.RolePolicyAttachment(
            f"{name}-recorder-reading",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AWS_ConfigRole",
            opts=child,
        )
        bucket = f"arn:aws:s3:::{configuration_bucket(organization)}"
        delivering = aws.iam.RolePolicy(
            f"{name}-recorder-delivering",
            name="delivery",
            role=role.name,
            policy=policy_document(
                [
                    {
                        "Sid": "LookAtTheBucket",
                        "Effect": "Allow",
                        "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
                        "Resource": bucket,
                    },
                    {
                        "Sid": "WriteBelowItsAccount",
                        "Effect": "Allow",
                        "Action": "s3:PutObject",
                        "Resource": f"{bucket}/AWSLogs/{account}/Config/*",
                    },
                    {
                        "Sid": "EncryptWhatItWrites",
                        "Effect": "Allow",
                        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                        "Resource": bucket_key_arn,
                    },
                ]
            ),
            opts=child,
        )
        return role, [reading, delivering]
