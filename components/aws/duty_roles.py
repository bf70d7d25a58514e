"""The roles that people take in one cell, which its cluster's access entries name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from catalog import names
from components.aws.duties import MFA_ATTRIBUTE, MFA_VALUE
from components.aws.people import DUTIES
from components.aws.policy_document import Statement, account_root, policy_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.cell import Cell
    from catalog.organization import Duty, Organization


class DutyRoles(pulumi.ComponentResource):
    """One role per duty in a cell's account, open only to the duty's own permission set.

    What a duty may do inside the cluster is the access entry's and Kubernetes' concern; the role
    itself finds the cluster and reads the cell's logs. A session lasts an hour: STS allows no more
    to a role that is taken from another role.
    """

    role_arns: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        *,
        organization: Organization,
        cell: Cell,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:DutyRoles", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.role_arns = {}
        for duty in DUTIES:
            role = aws.iam.Role(
                f"{name}-{duty}",
                name=names.role(organization, cell, duty),
                description=f"People on duty as {duty} in cell {cell.name}",
                assume_role_policy=policy_document([trust_statement(cell.account, duty)]),
                max_session_duration=3600,
                opts=child,
            )
            aws.iam.RolePolicy(
                f"{name}-{duty}-policy",
                name="duty",
                role=role.name,
                policy=policy_document(duty_statements(organization, cell, duty)),
                opts=child,
            )
            self.role_arns[duty] = role.arn
        self.register_outputs({"role_arns": self.role_arns})


def trust_statement(account: str, duty: Duty) -> Statement:
    """Trust in the sessions that Identity Center opened with the duty's permission set.

    The role that Identity Center makes has the region in its path, except in us-east-1.
    """
    reserved = f"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com"
    return {
        "Sid": "OnlyTheDutysOwnPermissionSet",
        "Effect": "Allow",
        "Principal": {"AWS": account_root(account)},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnLike": {
                "aws:PrincipalArn": [
                    f"{reserved}/AWSReservedSSO_{duty}_*",
                    f"{reserved}/*/AWSReservedSSO_{duty}_*",
                ]
            },
            "StringEquals": {f"aws:PrincipalTag/{MFA_ATTRIBUTE}": MFA_VALUE},
        },
    }


def duty_statements(organization: Organization, cell: Cell, duty: Duty) -> Sequence[Statement]:
    """What a duty's role may do in the cell's account and region."""
    place = f"{cell.region}:{cell.account}"
    statements: list[Statement] = [
        {
            "Sid": "FindTheCluster",
            "Effect": "Allow",
            "Action": "eks:DescribeCluster",
            "Resource": f"arn:aws:eks:{place}:cluster/{names.cluster(organization, cell)}",
        },
        {
            "Sid": "ReadTheCellsLogs",
            "Effect": "Allow",
            "Action": [
                "logs:FilterLogEvents",
                "logs:GetLogEvents",
                "logs:GetQueryResults",
                "logs:StartQuery",
            ],
            "Resource": f"arn:aws:logs:{place}:log-group:*",
        },
        {
            "Sid": "FindLogsAndMetrics",
            "Effect": "Allow",
            "Action": [
                "cloudwatch:GetMetricData",
                "cloudwatch:ListMetrics",
                "logs:DescribeLogGroups",
                "logs:DescribeLogStreams",
            ],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": cell.region}},
        },
    ]
    if duty in ("operator", "break-glass"):
        statements.append(
            {
                "Sid": "SeeWhatRunsTheCell",
                "Effect": "Allow",
                "Action": [
                    "ec2:DescribeInstances",
                    "eks:DescribeNodegroup",
                    "eks:ListNodegroups",
                    "rds:DescribeDBClusters",
                    "rds:DescribeDBInstances",
                ],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": cell.region}},
            }
        )
    return statements
