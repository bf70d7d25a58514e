"""The organization's registry of images and charts, which every account pulls from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.policy_document import account_root, policy_document, service_trust

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.organization import Organization
    from components.aws.policy_document import Statement

UNTAGGED_DAYS = 14
"""Builds that lost their tag go after a fortnight; whatever a catalog names has a tag."""


class Registry(pulumi.ComponentResource):
    """Repositories come into being on the first push, with immutable tags, encrypted and scanned.

    Nothing is pulled through from the internet: mirrors are pushed by CI, so that what runs is
    what was reviewed. `accounts` may pull; only the registry's own account may push.
    """

    host: str

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        accounts: Sequence[str],
        key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role, policy = self._creator(name, organization, key_arn)
        aws.ecr.RepositoryCreationTemplate(
            f"{name}-template",
            prefix="ROOT",
            description="Repositories that a first push makes",
            applied_fors=["CREATE_ON_PUSH"],
            image_tag_mutability="IMMUTABLE",
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": key_arn}],
            lifecycle_policy=pulumi.Output.json_dumps(_lifecycle()),
            custom_role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        aws.ecr.RegistryScanningConfiguration(
            f"{name}-scanning",
            scan_type="BASIC",
            rules=[
                {
                    "scan_frequency": "SCAN_ON_PUSH",
                    "repository_filters": [{"filter": "*", "filter_type": "WILDCARD"}],
                }
            ],
            opts=child,
        )
        scope = aws.ecr.AccountSetting(
            f"{name}-policy-scope", name="REGISTRY_POLICY_SCOPE", value="V2", opts=child
        )
        place = f"{organization.home_region}:{organization.accounts.management}"
        aws.ecr.RegistryPolicy(
            f"{name}-policy",
            policy=policy_document([_pull(place, accounts)]),
            # A policy may speak of pulls only in the second scope.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[scope]),
        )
        self.host = organization.registry
        self.register_outputs({"host": self.host})

    def _creator(
        self, name: str, organization: Organization, key_arn: pulumi.Input[str]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        account = organization.accounts.management
        role = aws.iam.Role(
            f"{name}-creator",
            name=f"{organization.name}-registry-creator",
            description="ECR makes repositories under our key",
            assume_role_policy=policy_document(
                [service_trust("RegistryOfThisAccount", "ecr.amazonaws.com", account)]
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = aws.iam.RolePolicy(
            f"{name}-creator-policy",
            name="creation",
            role=role.name,
            policy=policy_document(
                [
                    {
                        "Sid": "MakeRepositories",
                        "Effect": "Allow",
                        "Action": [
                            "ecr:CreateRepository",
                            "ecr:PutLifecyclePolicy",
                            "ecr:TagResource",
                        ],
                        "Resource": (
                            f"arn:aws:ecr:{organization.home_region}:{account}:repository/*"
                        ),
                    },
                    {
                        "Sid": "UnderOurKey",
                        "Effect": "Allow",
                        "Action": ["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"],
                        "Resource": key_arn,
                    },
                ]
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role, policy


def _pull(place: str, accounts: Sequence[str]) -> Statement:
    return {
        "Sid": "OurAccountsPull",
        "Effect": "Allow",
        "Principal": {"AWS": [account_root(account) for account in accounts]},
        "Action": [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:DescribeImages",
            "ecr:GetDownloadUrlForLayer",
        ],
        "Resource": f"arn:aws:ecr:{place}:repository/*",
    }


def _lifecycle() -> dict[str, object]:
    return {
        "rules": [
            {
                "rulePriority": 1,
                "description": "Untagged images go",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": UNTAGGED_DAYS,
                },
                "action": {"type": "expire"},
            }
        ]
    }
