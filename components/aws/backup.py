"""Backups that a stack cannot delete, with a copy in another region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from catalog.names import fit
from components.aws.backup_failures import BackupFailures
from components.aws.policy_document import policy_document, service_trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCHEDULE = "cron(0 5 * * ? *)"
"""Daily at 05:00 UTC, after the databases' own backups (01:00) and maintenance (02:30)."""
START_MINUTES = 60
"""The shortest window in which AWS Backup may start; later than that is a failure."""
COMPLETION_MINUTES = 12 * 60
"""Half a day: a copy to another region has ended before the next backup begins."""
NAME_LIMIT = 50
"""Characters in the name of a vault, a plan or a selection."""
DATABASES = ("arn:aws:rds:*:*:cluster:*",)


class BackupPlan(pulumi.ComponentResource):
    """Daily backups of tagged resources, in locked vaults here and in another region.

    `selected_by` maps tags to the values that a resource must have to be backed up; `resources`
    are ARNs or patterns of them. Nobody can delete a recovery point before `retention_days`
    (governance mode: only an administrator of AWS Backup can lift the lock). Failures of backup,
    copy and restore jobs are told to `event_topic_arn`.
    """

    vault_name: pulumi.Output[str]
    vault_arn: pulumi.Output[str]
    copy_vault_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        plan_name: str,
        role_name: str,
        account: str,
        key_arn: pulumi.Input[str],
        copy_region_provider: aws.Provider,
        copy_key_arn: pulumi.Input[str],
        retention_days: int,
        selected_by: Mapping[str, str],
        resources: Sequence[pulumi.Input[str]] = DATABASES,
        event_topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:BackupPlan", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        there = pulumi.ResourceOptions(provider=copy_region_provider)
        vault = self._vault(
            f"{name}-vault", fit(plan_name, NAME_LIMIT), key_arn, retention_days, None
        )
        copies = self._vault(
            f"{name}-copies",
            fit(f"{plan_name}-copies", NAME_LIMIT),
            copy_key_arn,
            retention_days,
            there,
        )
        role = backup_role(
            f"{name}-role",
            role_name=role_name,
            description="Takes backups and copies them to another region.",
            account=account,
            policy="AWSBackupServiceRolePolicyForBackup",
            opts=child,
        )
        plan = aws.backup.Plan(
            f"{name}-plan",
            name=fit(plan_name, NAME_LIMIT),
            rules=[
                {
                    "rule_name": "daily",
                    "target_vault_name": vault.name,
                    "schedule": SCHEDULE,
                    "schedule_expression_timezone": "Etc/UTC",
                    "start_window": START_MINUTES,
                    "completion_window": COMPLETION_MINUTES,
                    "lifecycle": {"delete_after": retention_days},
                    "copy_actions": [
                        {
                            "destination_vault_arn": copies.arn,
                            "lifecycle": {"delete_after": retention_days},
                        }
                    ],
                }
            ],
            opts=child,
        )
        aws.backup.Selection(
            f"{name}-selection",
            name=fit(plan_name, NAME_LIMIT),
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=list(resources),
            conditions=[
                {
                    "string_equals": [
                        {"key": f"aws:ResourceTag/{key}", "value": value}
                        for key, value in sorted(selected_by.items())
                    ]
                }
            ],
            # Nothing of a selection changes in place, and its plan has no room for a second one of
            # its name.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        BackupFailures(
            f"{name}-failures", plan_name=plan_name, topic_arn=event_topic_arn, opts=child
        )
        self.vault_name = vault.name
        self.vault_arn = vault.arn
        self.copy_vault_arn = copies.arn
        self.register_outputs({"vault_arn": self.vault_arn, "copy_vault_arn": self.copy_vault_arn})

    def _vault(
        self,
        name: str,
        vault_name: str,
        key_arn: pulumi.Input[str],
        retention_days: int,
        opts: pulumi.ResourceOptions | None,
    ) -> aws.backup.Vault:
        held = pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True)
        vault = aws.backup.Vault(
            name,
            name=vault_name,
            kms_key_arn=key_arn,
            force_destroy=False,
            opts=pulumi.ResourceOptions.merge(held, opts),
        )
        # No changeable_for_days: that would be compliance mode, which not even AWS can undo.
        aws.backup.VaultLockConfiguration(
            f"{name}-lock",
            backup_vault_name=vault.name,
            min_retention_days=retention_days,
            opts=pulumi.ResourceOptions.merge(held, opts),
        )
        return vault


def backup_role(
    name: str,
    *,
    role_name: str,
    description: str,
    account: str,
    policy: str,
    opts: pulumi.ResourceOptions,
) -> aws.iam.Role:
    """A role that only this account's AWS Backup assumes, with one of AWS's policies for it."""
    role = aws.iam.Role(
        name,
        name=role_name,
        description=description,
        assume_role_policy=policy_document(
            [service_trust("BackupOfThisAccount", "backup.amazonaws.com", account)]
        ),
        opts=opts,
    )
    aws.iam.RolePolicyAttachment(
        f"{name}-policy",
        role=role.name,
        policy_arn=f"arn:aws:iam::aws:policy/service-role/{policy}",
        opts=opts,
    )
    return role
