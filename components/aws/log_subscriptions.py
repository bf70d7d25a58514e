"""Hands what log groups get to a cell's log archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.children import child_options

if TYPE_CHECKING:
    from collections.abc import Mapping

FILTER_NAME = "archive"
"""A log group takes two subscriptions at most; the other one is free for a search at need."""


class LogSubscriptions(pulumi.ComponentResource):
    """One subscription for each log group, to the archive's stream, of everything in it.

    `log_groups` maps a short name that stays to the name of a log group. The role must have its
    rights by the time that its ARN is known: CloudWatch tries the stream at once.
    """

    def __init__(
        self,
        name: str,
        *,
        log_groups: Mapping[str, pulumi.Input[str]],
        stream_arn: pulumi.Input[str],
        role_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:LogSubscriptions", name, None, opts)
        for group, log_group_name in sorted(log_groups.items()):
            aws.cloudwatch.LogSubscriptionFilter(
                f"{name}-{group}",
                name=FILTER_NAME,
                log_group=log_group_name,
                filter_pattern="",
                destination_arn=stream_arn,
                role_arn=role_arn,
                opts=child_options(self, opts),
            )
        self.register_outputs({})
