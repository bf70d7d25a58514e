"""Secrets in Secrets Manager, under their owner's key, closed to other accounts and plain HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from components.aws.adoption import adopted
from components.aws.policy_document import policy_document
from components.children import child_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Secret(pulumi.ComponentResource):
    """A protected secret with one version.

    `value` is made secret here whatever it was before, so that it is encrypted in the state.
    `accounts` are the AWS accounts whose principals IAM may let in; all others are denied.
    `recovery_window_days` is 7 to 30 (Secrets Manager's bounds); 0, deletion at once, is refused.
    The secret outlives its removal from the program, closed as it was. The engine refuses that
    removal while `protect` is on: it goes off one update before. `adopt` is the ARN of the secret
    that is there from an earlier stay and gets a new version instead of being made.
    Raises ValueError for a window out of bounds or an empty list of accounts.
    """

    secret_arn: pulumi.Output[str]
    secret_name: pulumi.Output[str]
    version_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        secret_name: str,
        description: str,
        key_arn: pulumi.Input[str],
        value: pulumi.Input[str],
        accounts: Sequence[str],
        recovery_window_days: int = 30,
        protect: bool = True,
        adopt: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if not 7 <= recovery_window_days <= 30:
            raise ValueError(
                f"secret {secret_name}: the recovery window is {recovery_window_days} days; "
                "Secrets Manager takes 7 to 30"
            )
        if not accounts:
            raise ValueError(f"secret {secret_name}: names no account that may read it")
        super().__init__("patchworks:aws:Secret", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            name=secret_name,
            description=description,
            kms_key_id=key_arn,
            recovery_window_in_days=recovery_window_days,
            opts=pulumi.ResourceOptions.merge(
                adopted(adopt, "recoveryWindowInDays", "forceOverwriteReplicaSecret"),
                pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(protect=protect)),
            ),
        )
        policy = aws.secretsmanager.SecretPolicy(
            f"{name}-policy",
            secret_arn=secret.arn,
            policy=policy_document(denials(accounts)),
            block_public_policy=True,
            opts=kept,
        )
        version = aws.secretsmanager.SecretVersion(
            f"{name}-version",
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(value),
            # The value enters only once the secret is closed to others. It is kept like the
            # secret: deleting a version would cut off whoever still runs with it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy], retain_on_delete=True),
        )
        self.secret_arn = secret.arn
        self.secret_name = secret.name
        self.version_id = version.version_id
        self.register_outputs(
            {
                "secret_arn": self.secret_arn,
                "secret_name": self.secret_name,
                "version_id": self.version_id,
            }
        )


class MoverSecret(pulumi.ComponentResource):
    """The secret by which moves log in to one database; it is declared without a value.

    The database's bootstrap job fills it, so that no state of Pulumi has the password. It is kept
    as long as the database is, and protected like it.
    """

    secret_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        secret_name: str,
        description: str,
        key_arn: pulumi.Input[str],
        account: str,
        protect: bool = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:MoverSecret", name, None, opts)
        kept = pulumi.ResourceOptions.merge(
            child_options(self, opts), pulumi.ResourceOptions(retain_on_delete=True)
        )
        secret = aws.secretsmanager.Secret(
            f"{name}-secret",
            name=secret_name,
            description=description,
            kms_key_id=key_arn,
            recovery_window_in_days=30,
            opts=pulumi.ResourceOptions.merge(kept, pulumi.ResourceOptions(protect=protect)),
        )
        policy = aws.secretsmanager.SecretPolicy(
            f"{name}-policy",
            secret_arn=secret.arn,
            policy=policy_document(denials([account])),
            block_public_policy=True,
            opts=kept,
        )
        # Nobody is told of it before it is closed to others.
        self.secret_arn = pulumi.Output.all(secret.arn, policy.id).apply(lambda both: str(both[0]))
        self.register_outputs({"secret_arn": self.secret_arn})


def denials(accounts: Sequence[str]) -> list[Mapping[str, Any]]:
    """Statements that deny plain HTTP, and every principal outside the accounts.

    AWS services that act for a principal (RDS Proxy, backups) have no account of their own.
    """
    return [
        {
            "Sid": "OnlyOverTls",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "secretsmanager:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "OnlyOurAccounts",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "secretsmanager:*",
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:PrincipalAccount": list(accounts)},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
    ]
