"""Permissions boundaries: the most that people, and that CI, can do in one account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.configuration_archive import recorder_role
from components.aws.guarded_actions import (
    LONG_LIVED_CREDENTIALS,
    deny_long_lived_credentials,
    deny_tampering,
)
from components.aws.policy_document import Statement, policy_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.organization import Organization

BOOTSTRAP_ROLE = "OrganizationDeploy"
"""The role of every account but the management one that the organization's stack works through."""


def people_boundary(organization: Organization) -> str:
    """The name of the people's boundary, the same in every account, as Identity Center wants."""
    return f"{organization.name}-people-boundary"


def ci_boundary(organization: Organization) -> str:
    """The name of the CI roles' boundary, the same in every account."""
    return f"{organization.name}-ci-boundary"


class Boundaries(pulumi.ComponentResource):
    """The two boundaries of one account.

    A boundary grants nothing. Each allows all but a list, which it then denies as well, so that
    no other policy of the same session can let it back in.
    """

    people_boundary_name: pulumi.Output[str]
    people_boundary_arn: pulumi.Output[str]
    ci_boundary_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        account: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Boundaries", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        people = aws.iam.Policy(
            f"{name}-people",
            name=people_boundary(organization),
            description="The most that a person can do here, break-glass included",
            policy=policy_document(boundary_statements(organization, account)),
            opts=child,
        )
        ci = aws.iam.Policy(
            f"{name}-ci",
            name=ci_boundary(organization),
            description="The most that a job of the repository's CI can do here",
            policy=policy_document(boundary_statements(organization, account)),
            opts=child,
        )
        self.people_boundary_name = people.name
        self.people_boundary_arn = people.arn
        self.ci_boundary_arn = ci.arn
        self.register_outputs(
            {
                "people_boundary_name": self.people_boundary_name,
                "people_boundary_arn": self.people_boundary_arn,
                "ci_boundary_arn": self.ci_boundary_arn,
            }
        )


def boundary_statements(organization: Organization, account: str) -> Sequence[Statement]:
    """What a boundary of one account allows and denies."""
    return [
        {
            "Sid": "WhatOtherPoliciesGrant",
            "Effect": "Allow",
            "NotAction": ["account:*", "organizations:*", *LONG_LIVED_CREDENTIALS],
            "Resource": "*",
        },
        deny_long_lived_credentials(),
        deny_tampering(),
        {
            "Sid": "NoWayPastTheBoundaries",
            "Effect": "Deny",
            "Action": [
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:SetDefaultPolicyVersion",
            ],
            "Resource": [
                f"arn:aws:iam::{account}:policy/{people_boundary(organization)}",
                f"arn:aws:iam::{account}:policy/{ci_boundary(organization)}",
            ],
        },
        {
            "Sid": "NoChangeOfWhoMayEnter",
            "Effect": "Deny",
            "Action": [
                "iam:AttachRolePolicy",
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:DeleteRolePermissionsBoundary",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
            "Resource": [
                f"arn:aws:iam::{account}:role/{BOOTSTRAP_ROLE}",
                f"arn:aws:iam::{account}:role/{organization.name}-ci-*",
                f"arn:aws:iam::{account}:role/{recorder_role(organization)}",
                f"arn:aws:iam::{account}:role/aws-reserved/*",
            ],
        },
        {
            "Sid": "NoOtherWayIn",
            "Effect": "Deny",
            "Action": [
                "iam:AddClientIDToOpenIDConnectProvider",
                "iam:CreateOpenIDConnectProvider",
                "iam:DeleteOpenIDConnectProvider",
                "iam:UpdateOpenIDConnectProviderThumbprint",
            ],
            "Resource": "*",
        },
    ]
