"""Lets the services that a cluster lives on use the cell's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.aws.policy_document import Statement


def nodes_encrypt(account: str) -> tuple[Statement, ...]:
    """Statements for the cell's key: EC2 Auto Scaling starts nodes whose volumes it encrypts.

    Source: https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    """
    service_role = (
        f"arn:aws:iam::{account}:role/aws-service-role/autoscaling.amazonaws.com/"
        "AWSServiceRoleForAutoScaling"
    )
    return (
        {
            "Sid": "AutoScalingUsesForVolumes",
            "Effect": "Allow",
            "Principal": {"AWS": service_role},
            "Action": [
                "kms:Decrypt",
                "kms:DescribeKey",
                "kms:Encrypt",
                "kms:GenerateDataKey*",
                "kms:ReEncrypt*",
            ],
            "Resource": "*",
        },
        {
            "Sid": "AutoScalingGrantsToVolumes",
            "Effect": "Allow",
            "Principal": {"AWS": service_role},
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    )


def interruptions_encrypt(account: str) -> tuple[Statement, ...]:
    """Statements for the cell's key: EventBridge puts interruptions into the encrypted queue."""
    return (
        {
            "Sid": "EventBridgeFillsTheInterruptionQueue",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {
                "StringLike": {"kms:EncryptionContext:aws:sqs:arn": f"arn:aws:sqs:*:{account}:*"}
            },
        },
    )
