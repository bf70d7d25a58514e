"""Lets the services that a cluster lives on use the cell's key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.aws.keys import ENCRYPT_AND_DECRYPT

if TYPE_CHECKING:
    from components.aws.policy_document import Statement


def nodes_encrypt(account: str) -> tuple[Statement, ...]:
    """Statements for the cell's key: EC2 Auto Scaling starts nodes whose volumes it encrypts.

    AWS makes that role with an account's first group, and KMS refuses a policy whose principal does
    not exist: so the role is a condition, which the first cell of a new account can state as well.

    Source: https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html
    """
    service_role = (
        f"arn:aws:iam::{account}:role/aws-service-role/autoscaling.amazonaws.com/"
        "AWSServiceRoleForAutoScaling"
    )
    only_the_service = {
        "StringEquals": {"kms:CallerAccount": account},
        "ArnEquals": {"aws:PrincipalArn": service_role},
    }
    return (
        {
            "Sid": "AutoScalingUsesForVolumes",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": list(ENCRYPT_AND_DECRYPT),
            "Resource": "*",
            "Condition": only_the_service,
        },
        {
            "Sid": "AutoScalingGrantsToVolumes",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {**only_the_service, "Bool": {"kms:GrantIsForAWSResource": "true"}},
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
