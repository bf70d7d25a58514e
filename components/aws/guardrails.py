"""Service control policies: what no role in a member account can do, whoever made the role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.boundaries import BOOTSTRAP_ROLE
from components.aws.guarded_actions import TAMPERING, deny_long_lived_credentials
from components.aws.policy_document import policy_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.aws.policy_document import Statement

GLOBAL_SERVICES = (
    "access-analyzer:*",
    "account:*",
    "budgets:*",
    "ce:*",
    "cloudfront:*",
    "globalaccelerator:*",
    "health:*",
    "iam:*",
    "organizations:*",
    "pricing:*",
    "route53:*",
    "route53domains:*",
    "s3:GetAccountPublicAccessBlock",
    "s3:ListAllMyBuckets",
    "s3:PutAccountPublicAccessBlock",
    "shield:*",
    "sso:*",
    "sts:*",
    "support:*",
    "tag:*",
    "trustedadvisor:*",
    "waf:*",
)
"""What has no region, or answers from us-east-1 whatever the region in use."""


class Guardrails(pulumi.ComponentResource):
    """Two policies on every member account: no way round the watchers, no region but ours.

    A boundary binds the role it is put on; these bind every role of the account, those included
    that a deployment makes. They never bind the management account. Service control policies have
    to be switched on in the organization once.
    """

    policy_ids: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        *,
        accounts: Mapping[str, str],
        regions: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Guardrails", name, None, opts)
        documents = {
            "watchers": ("Nobody leaves, hides or makes credentials that last", watchers()),
            "regions": ("Nothing runs outside the regions of our cells", only_regions(regions)),
        }
        self.policy_ids = {}
        for kind, (description, statements) in documents.items():
            policy = aws.organizations.Policy(
                f"{name}-{kind}",
                name=f"{name}-{kind}",
                description=description,
                type="SERVICE_CONTROL_POLICY",
                content=policy_document(statements),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for label, account in sorted(accounts.items()):
                aws.organizations.PolicyAttachment(
                    f"{name}-{kind}-{label}",
                    policy_id=policy.id,
                    target_id=account,
                    opts=pulumi.ResourceOptions(parent=self),
                )
            self.policy_ids[kind] = policy.id
        self.register_outputs({"policy_ids": self.policy_ids})


def watchers() -> Sequence[Statement]:
    """Denials that keep an account in the organization, watched, and without lasting secrets."""
    return [
        {
            "Sid": "StayInTheOrganization",
            "Effect": "Deny",
            "Action": ["account:CloseAccount", "organizations:LeaveOrganization"],
            "Resource": "*",
        },
        {
            "Sid": "NoRootUser",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}},
        },
        deny_long_lived_credentials(),
        {
            "Sid": "NoTamperingWithTheTrail",
            "Effect": "Deny",
            "Action": list(TAMPERING),
            "Resource": "*",
            "Condition": {
                "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{BOOTSTRAP_ROLE}"}
            },
        },
    ]


def only_regions(regions: Sequence[str]) -> Sequence[Statement]:
    """The denial of every region that is not in use."""
    return [
        {
            "Sid": "OnlyRegionsInUse",
            "Effect": "Deny",
            "NotAction": list(GLOBAL_SERVICES),
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:RequestedRegion": list(regions)},
                "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role/{BOOTSTRAP_ROLE}"},
            },
        }
    ]
