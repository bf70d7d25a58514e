"""Tells somebody when a backup, a copy or a restore fails."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from catalog.names import fit

RULE_LIMIT = 64
"""Characters in the name of an EventBridge rule."""
ENDED_BADLY = ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"]


class BackupFailures(pulumi.ComponentResource):
    """An EventBridge rule from AWS Backup's failed jobs, restore tests included, to a topic."""

    def __init__(
        self,
        name: str,
        *,
        plan_name: str,
        topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:BackupFailures", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            f"{name}-rule",
            name=fit(f"{plan_name}-failures", RULE_LIMIT),
            description="Backup, copy and restore jobs that did not complete.",
            event_pattern=pulumi.Output.json_dumps(
                {
                    "source": ["aws.backup"],
                    "detail-type": [
                        "Backup Job State Change",
                        "Copy Job State Change",
                        "Restore Job State Change",
                    ],
                    # Restore jobs say `status` where the others say `state`.
                    "detail": {"$or": [{"state": ENDED_BADLY}, {"status": ENDED_BADLY}]},
                }
            ),
            state="ENABLED",
            opts=child,
        )
        aws.cloudwatch.EventTarget(f"{name}-topic", rule=rule.name, arn=topic_arn, opts=child)
        self.register_outputs({})
