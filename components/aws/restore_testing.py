"""Proof, on a schedule, that backups can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from catalog.names import fit
from components.aws.backup import backup_role

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME_LIMIT = 50
"""Restore testing plans and selections: letters, digits and underscores, 50 at most."""
SCHEDULE = "cron(0 9 ? * SUN *)"
"""Sundays at 09:00 UTC, when the night's backup has been taken and few people work."""
START_HOURS = 4
SELECTION_WINDOW_DAYS = 7
"""The newest recovery point of the last week: one must exist, and it is restored."""
VALIDATION_HOURS = 4
"""How long the restored cluster stays to be looked at before AWS Backup deletes it."""


class RestoreTest(pulumi.ComponentResource):
    """A weekly restore of the newest backup of each selected Aurora cluster, then its deletion.

    The copy comes up in `subnet_group_name` behind `security_group_id`, so that only those who
    reach the databases can reach it.
    """

    plan_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        plan_name: str,
        role_name: str,
        account: str,
        vault_arn: pulumi.Input[str],
        selected_by: Mapping[str, str],
        subnet_group_name: pulumi.Input[str],
        security_group_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:RestoreTest", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        identifier = fit(plan_name, NAME_LIMIT).replace("-", "_")
        role = backup_role(
            f"{name}-role",
            role_name=role_name,
            description="Restores backups to prove that it can be done.",
            account=account,
            policy="AWSBackupServiceRolePolicyForRestores",
            opts=child,
        )
        plan = aws.backup.RestoreTestingPlan(
            f"{name}-plan",
            name=identifier,
            schedule_expression=SCHEDULE,
            schedule_expression_timezone="Etc/UTC",
            start_window_hours=START_HOURS,
            recovery_point_selection={
                "algorithm": "LATEST_WITHIN_WINDOW",
                "include_vaults": [vault_arn],
                "recovery_point_types": ["SNAPSHOT"],
                "selection_window_days": SELECTION_WINDOW_DAYS,
            },
            opts=child,
        )
        aws.backup.RestoreTestingSelection(
            f"{name}-databases",
            name=identifier,
            restore_testing_plan_name=plan.name,
            iam_role_arn=role.arn,
            protected_resource_type="Aurora",
            protected_resource_arns=["*"],
            protected_resource_conditions={
                "string_equals": [
                    {"key": f"aws:ResourceTag/{key}", "value": value}
                    for key, value in sorted(selected_by.items())
                ]
            },
            # Without these the copy would land in the account's default network, if there is one.
            restore_metadata_overrides={
                "dbSubnetGroupName": subnet_group_name,
                "vpcSecurityGroupIds": pulumi.Output.json_dumps([security_group_id]),
            },
            validation_window_hours=VALIDATION_HOURS,
            opts=child,
        )
        self.plan_arn = plan.arn
        self.register_outputs({"plan_arn": self.plan_arn})
