"""The record of every connection that a cell's network accepted or refused."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from catalog.names import ROLE_LIMIT, fit
from components.aws.policy_document import policy_document, service_trust

AGGREGATION_SECONDS = 60
"""The shortest that AWS offers; ten minutes, the default, is long while an attack goes on."""

FORMAT = " ".join(
    f"${{{field}}}"
    for field in (
        "version",
        "start",
        "end",
        "action",
        "log-status",
        "flow-direction",
        "protocol",
        "srcaddr",
        "srcport",
        "dstaddr",
        "dstport",
        # Behind NAT and prefix delegation only these name the pod that talked.
        "pkt-srcaddr",
        "pkt-dstaddr",
        "packets",
        "bytes",
        "tcp-flags",
        "interface-id",
        "subnet-id",
        "az-id",
        "traffic-path",
        "pkt-dst-aws-service",
    )
)


class FlowLogs(pulumi.ComponentResource):
    """A VPC's flow logs in an encrypted log group, written by a role that can do nothing else."""

    log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        vpc: aws.ec2.Vpc,
        owner: str,
        key_arn: pulumi.Input[str],
        log_retention_days: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:FlowLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/aws/vpc/{owner}/flow-logs",
            kms_key_id=key_arn,
            retention_in_days=log_retention_days,
            opts=child,
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=fit(f"{owner}-flow-logs", ROLE_LIMIT),
            description="Writes the network's flow logs.",
            assume_role_policy=policy_document(
                [
                    service_trust(
                        "FlowLogsOfThisAccount", "vpc-flow-logs.amazonaws.com", vpc.owner_id
                    )
                ]
            ),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{name}-write",
            role=role.name,
            policy=policy_document(
                [
                    {
                        "Sid": "WriteFlowLogs",
                        "Effect": "Allow",
                        "Action": [
                            "logs:CreateLogStream",
                            "logs:DescribeLogGroups",
                            "logs:DescribeLogStreams",
                            "logs:PutLogEvents",
                        ],
                        "Resource": [group.arn, pulumi.Output.concat(group.arn, ":*")],
                    }
                ]
            ),
            opts=child,
        )
        aws.ec2.FlowLog(
            f"{name}-all",
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            log_format=FORMAT,
            max_aggregation_interval=AGGREGATION_SECONDS,
            # Nothing of a flow log changes in place, and AWS takes no second one to the same group.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[policy], delete_before_replace=True
            ),
        )
        self.log_group_name = group.name
        self.register_outputs({"log_group_name": self.log_group_name})
