"""The actions that nobody needs to do the platform's work, and that would hide what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.aws.policy_document import Statement

LONG_LIVED_CREDENTIALS = (
    "iam:AddUserToGroup",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateServiceSpecificCredential",
    "iam:CreateUser",
    "iam:UpdateAccessKey",
    "iam:UpdateLoginProfile",
    "iam:UploadSSHPublicKey",
    "iam:UploadSigningCertificate",
)
"""Whatever makes or revives an IAM user's credentials; people and jobs have sessions instead."""

TAMPERING = (
    "access-analyzer:DeleteAnalyzer",
    "cloudtrail:DeleteTrail",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:PutInsightSelectors",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
    "config:DeleteConfigurationRecorder",
    "config:DeleteDeliveryChannel",
    "config:PutConfigurationRecorder",
    "config:PutDeliveryChannel",
    "config:StopConfigurationRecorder",
    "ec2:DisableEbsEncryptionByDefault",
    "ec2:DisableImageBlockPublicAccess",
    "ec2:DisableSnapshotBlockPublicAccess",
    "ec2:ModifyInstanceMetadataDefaults",
    "guardduty:DeleteDetector",
    "guardduty:DisassociateFromAdministratorAccount",
    "guardduty:UpdateDetector",
    "s3:BypassGovernanceRetention",
    "s3:PutAccountPublicAccessBlock",
    "securityhub:DisableSecurityHub",
    "securityhub:DisassociateFromAdministratorAccount",
)
"""Whatever switches off, or narrows, what watches an account."""


def deny_long_lived_credentials() -> Statement:
    """Deny IAM users' credentials, to everyone."""
    return {
        "Sid": "NoLongLivedCredentials",
        "Effect": "Deny",
        "Action": list(LONG_LIVED_CREDENTIALS),
        "Resource": "*",
    }


def deny_tampering() -> Statement:
    """Deny switching off the trail and the detectors."""
    return {
        "Sid": "NoTamperingWithTheTrail",
        "Effect": "Deny",
        "Action": list(TAMPERING),
        "Resource": "*",
    }
