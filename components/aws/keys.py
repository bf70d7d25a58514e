"""Encryption keys, and the statements that let cloud services use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from components.aws.adoption import adopted
from components.aws.policy_document import account_root, policy_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENCRYPT_AND_DECRYPT = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
)
"""What a service needs of a key to keep data under it and to read it back."""

DELETION_WINDOW_DAYS = 30
"""The longest that KMS offers: a month to notice that a key was still needed."""


class Key(pulumi.ComponentResource):
    """A symmetric key that rotates yearly and is never deleted with its stack.

    `alias` is given without the `alias/` prefix. The account's administrators may use IAM to grant
    the key; `statements` let in others, such as services that cannot be granted by IAM. The engine
    refuses to let go of a key while `protect` is on: it goes off one update before. `adopt` is the
    id of the key that is there from an earlier stay, under which all that stayed is encrypted.
    """

    key_id: pulumi.Output[str]
    key_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        alias: str,
        description: str,
        account: str,
        statements: Sequence[Mapping[str, Any]] = (),
        protect: bool = True,
        adopt: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Key", name, None, opts)
        key = aws.kms.Key(
            f"{name}-key",
            description=description,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            enable_key_rotation=True,
            policy=policy_document([account_administers(account), *statements]),
            opts=pulumi.ResourceOptions.merge(
                adopted(
                    adopt,
                    *("policy", "deletionWindowInDays", "bypassPolicyLockoutSafetyCheck"),
                ),
                pulumi.ResourceOptions(parent=self, protect=protect, retain_on_delete=True),
            ),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{alias}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.key_id = key.key_id
        self.key_arn = key.arn
        self.register_outputs({"key_id": self.key_id, "key_arn": self.key_arn})


def account_administers(account: str) -> dict[str, Any]:
    """Leave the key to the account's IAM; without this, nobody could ever administer it."""
    return {
        "Sid": "AccountAdministers",
        "Effect": "Allow",
        "Principal": {"AWS": account_root(account)},
        "Action": "kms:*",
        "Resource": "*",
    }


def logs_encrypt(account: str, region: str) -> dict[str, Any]:
    """Let CloudWatch Logs encrypt the account's log groups of one region."""
    return {
        "Sid": "LogsEncrypt",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": list(ENCRYPT_AND_DECRYPT),
        "Resource": "*",
        "Condition": {
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account}:*"}
        },
    }


def alarms_publish(account: str) -> tuple[dict[str, Any], ...]:
    """Let CloudWatch, RDS and EventBridge publish to the account's encrypted topics."""
    actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
    return (
        {
            "Sid": "AlarmsPublish",
            "Effect": "Allow",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]},
            "Action": actions,
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        # EventBridge states no source account when it publishes to an encrypted topic.
        {
            "Sid": "EventsPublish",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": actions,
            "Resource": "*",
        },
    )
