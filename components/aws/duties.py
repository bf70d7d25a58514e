"""What each duty of a person allows, as sessions, managed policies and statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import names
from components.aws.guarded_actions import deny_long_lived_credentials, deny_tampering
from components.aws.readable_settings import READ_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.cell import Cell
    from catalog.organization import Duty, Organization
    from components.aws.policy_document import Statement

MFA_ATTRIBUTE = "mfa"
"""The session tag in which Google says that the person's account enforces two-step verification."""

MFA_VALUE = "enforced"

_SECURITY_AUDIT = "arn:aws:iam::aws:policy/SecurityAudit"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

_READ_LOGS: Statement = {
    "Sid": "ReadLogsAndMetrics",
    "Effect": "Allow",
    "Action": [
        "cloudwatch:Describe*",
        "cloudwatch:Get*",
        "cloudwatch:List*",
        "logs:Describe*",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:GetQueryResults",
        "logs:StartQuery",
        "logs:StopQuery",
    ],
    "Resource": "*",
}

_SECRETS_AND_DATA: Statement = {
    "Sid": "NoSecretsAndNoTenantsData",
    "Effect": "Deny",
    "Action": [
        "dynamodb:GetItem",
        "dynamodb:PartiQLSelect",
        "dynamodb:Query",
        "dynamodb:Scan",
        "rds-db:connect",
        "secretsmanager:BatchGetSecretValue",
        "secretsmanager:GetSecretValue",
        "ssm:GetParameter",
        "ssm:GetParameters",
        "ssm:GetParametersByPath",
    ],
    "Resource": "*",
}


@dataclass(frozen=True)
class DutyRights:
    """One duty's permission set."""

    description: str
    session: str
    """How long a session lasts, as an ISO 8601 duration (Identity Center: one to twelve hours)."""
    managed_policies: tuple[str, ...]
    statements: tuple[Statement, ...]


DUTY_RIGHTS: Mapping[Duty, DutyRights] = {
    "developer": DutyRights(
        description="Looks at everything but secrets and tenants' data, and changes nothing",
        session="PT8H",
        managed_policies=(),
        statements=(READ_SETTINGS, _READ_LOGS, _SECRETS_AND_DATA),
    ),
    "operator": DutyRights(
        description="Keeps cells running: fails over, restarts, restores, replaces nodes",
        session="PT4H",
        managed_policies=(),
        statements=(
            READ_SETTINGS,
            _READ_LOGS,
            _SECRETS_AND_DATA,
            {
                "Sid": "KeepCellsRunning",
                "Effect": "Allow",
                "Action": [
                    "autoscaling:SetInstanceHealth",
                    "autoscaling:TerminateInstanceInAutoScalingGroup",
                    "backup:StartBackupJob",
                    "cloudwatch:SetAlarmState",
                    "ec2:RebootInstances",
                    "ec2:TerminateClientVpnConnections",
                    "ec2:TerminateInstances",
                    "eks:UpdateNodegroupConfig",
                    "elasticloadbalancing:DeregisterTargets",
                    "pi:Describe*",
                    "pi:Get*",
                    "rds:CreateDBClusterSnapshot",
                    "rds:FailoverDBCluster",
                    "rds:RebootDBInstance",
                ],
                "Resource": "*",
            },
        ),
    ),
    "auditor": DutyRights(
        description="Reads configuration, findings and the audit trail, and changes nothing",
        session="PT8H",
        managed_policies=(_SECURITY_AUDIT,),
        statements=(
            READ_SETTINGS,
            _READ_LOGS,
            _SECRETS_AND_DATA,
            {
                "Sid": "ReadTheTrailAndTheFindings",
                "Effect": "Allow",
                "Action": [
                    "access-analyzer:Get*",
                    "access-analyzer:List*",
                    "cloudtrail:LookupEvents",
                    "config:Get*",
                    "config:Select*",
                    "guardduty:Get*",
                    "guardduty:List*",
                    "securityhub:Get*",
                    "securityhub:List*",
                ],
                "Resource": "*",
            },
        ),
    ),
    "break-glass": DutyRights(
        description="Everything that the boundary leaves, for an hour; every use raises an alarm",
        session="PT1H",
        managed_policies=(_ADMINISTRATOR,),
        statements=(),
    ),
}


def permission_set_statements(
    organization: Organization, duty: Duty, *, cells: Sequence[Cell], archive_bucket: str
) -> Sequence[Statement]:
    """The inline policy of a duty's permission set: its rights, its roles in cells, its denials."""
    statements: list[Statement] = [
        *DUTY_RIGHTS[duty].statements,
        deny_without_mfa(),
        deny_long_lived_credentials(),
        deny_tampering(),
    ]
    if cells:
        statements.append(
            {
                "Sid": "TakeTheDutyInACell",
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Resource": [
                    f"arn:aws:iam::{cell.account}:role/{names.role(organization, cell, duty)}"
                    for cell in cells
                ],
            }
        )
    if duty == "auditor":
        statements.append(
            {
                "Sid": "ReadTheArchive",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"],
                "Resource": [
                    f"arn:aws:s3:::{archive_bucket}",
                    f"arn:aws:s3:::{archive_bucket}/*",
                ],
            }
        )
        statements.append(
            {
                "Sid": "DecryptTheArchive",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": f"arn:aws:kms:*:{organization.accounts.audit}:key/*",
                "Condition": {
                    "StringEquals": {
                        "kms:ViaService": f"s3.{organization.home_region}.amazonaws.com"
                    }
                },
            }
        )
    return statements


def deny_without_mfa() -> Statement:
    """Deny everything to a session for which Google did not vouch that two steps are enforced.

    `aws:MultiFactorAuthPresent` would not do: in a session that began with SAML it is never true,
    as AWS saw no second factor itself.
    """
    return {
        "Sid": "NoSessionWithoutMfa",
        "Effect": "Deny",
        "NotAction": ["sts:GetCallerIdentity"],
        "Resource": "*",
        "Condition": {"StringNotEquals": {f"aws:PrincipalTag/{MFA_ATTRIBUTE}": MFA_VALUE}},
    }
