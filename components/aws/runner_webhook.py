"""What makes GitHub's queued jobs start runners: the last step, as a person must allow it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.children import child_options

if TYPE_CHECKING:
    from collections.abc import Sequence


class RunnerWebhook(pulumi.ComponentResource):
    """The webhook by which GitHub asks a runners' project for a machine for each queued job.

    AWS refuses it until somebody has approved the project's connection to GitHub in the console;
    the next update then adds it. What must not wait for that person does not depend on this.
    """

    def __init__(
        self,
        name: str,
        *,
        project_name: pulumi.Input[str],
        workflows: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:RunnerWebhook", name, None, opts)
        aws.codebuild.Webhook(
            f"{name}-webhook",
            project_name=project_name,
            build_type="BUILD",
            filter_groups=[
                {
                    "filters": [
                        {"type": "EVENT", "pattern": "WORKFLOW_JOB_QUEUED"},
                        {"type": "WORKFLOW_NAME", "pattern": f"^({'|'.join(workflows)})$"},
                    ]
                }
            ],
            opts=child_options(self, opts),
        )
        self.register_outputs({})
