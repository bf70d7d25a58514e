"""A role in the management account through which deployments reach one thing there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.policy_document import account_root, policy_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.organization import Organization
    from components.aws.policy_document import Statement


def shared_role(organization: Organization, purpose: str) -> str:
    """The name of the management account's role for one purpose."""
    return f"{organization.name}-shared-{purpose}"


def shared_role_arn(organization: Organization, purpose: str) -> str:
    """The ARN of that role, which deploy roles must name before it exists."""
    role = shared_role(organization, purpose)
    return f"arn:aws:iam::{organization.accounts.management}:role/{role}"


class SharedRole(pulumi.ComponentResource):
    """A role with `statements`, which only the named roles of other accounts may take.

    `takers` maps the account's id to the names of roles there. The trust is in the account with the
    role as a condition: a trust in the role itself breaks for good when that role is made anew.
    """

    role_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        purpose: str,
        description: str,
        takers: Mapping[str, Sequence[str]],
        statements: Sequence[Statement],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:SharedRole", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=shared_role(organization, purpose),
            description=description,
            assume_role_policy=policy_document([_trust(takers)]),
            max_session_duration=3600,
            opts=child,
        )
        aws.iam.RolePolicy(
            f"{name}-policy",
            name=purpose,
            role=role.name,
            policy=policy_document(statements),
            opts=child,
        )
        self.role_arn = role.arn
        self.register_outputs({"role_arn": self.role_arn})


def _trust(takers: Mapping[str, Sequence[str]]) -> Statement:
    return {
        "Sid": "DeployRoles",
        "Effect": "Allow",
        "Principal": {"AWS": [account_root(account) for account in takers]},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnEquals": {
                "aws:PrincipalArn": [
                    f"arn:aws:iam::{account}:role/{role}"
                    for account, roles in takers.items()
                    for role in roles
                ]
            }
        },
    }


def write_records(zone_id: pulumi.Input[str]) -> Sequence[Statement]:
    """What it takes to write records into one zone, and to wait until they are served."""
    zone = pulumi.Output.concat("arn:aws:route53:::hostedzone/", zone_id)
    return [
        {
            "Sid": "WriteRecordsOfOneZone",
            "Effect": "Allow",
            "Action": [
                "route53:ChangeResourceRecordSets",
                "route53:GetHostedZone",
                "route53:ListResourceRecordSets",
                "route53:ListTagsForResource",
            ],
            "Resource": zone,
        },
        {
            "Sid": "WaitForRecords",
            "Effect": "Allow",
            "Action": "route53:GetChange",
            "Resource": "arn:aws:route53:::change/*",
        },
    ]


def read_records(zone_id: pulumi.Input[str]) -> Sequence[Statement]:
    """What it takes to look at one zone and at the records in it."""
    return [
        {
            "Sid": "ReadRecordsOfOneZone",
            "Effect": "Allow",
            "Action": [
                "route53:GetHostedZone",
                "route53:ListResourceRecordSets",
                "route53:ListTagsForResource",
            ],
            "Resource": pulumi.Output.concat("arn:aws:route53:::hostedzone/", zone_id),
        }
    ]
