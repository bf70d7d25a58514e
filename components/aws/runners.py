"""CI's runners inside a cell: one fresh machine a job, in the private subnets, then gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.aws.policy_document import policy_document, service_trust

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.organization import Repository
    from components.aws.policy_document import Statement

IMAGE = "aws/codebuild/amazonlinux-aarch64-standard:3.0"
"""AWS's own image, which it patches; the jobs bring their tools at pinned versions."""

COMPUTE = "BUILD_GENERAL1_MEDIUM"
"""7 GiB: a provider's process takes some 0.4 GiB, and a deployment of a tenant runs four."""

JOB_MINUTES = 370
"""Longer than the longest job: a move of a tenant may take six hours."""
QUEUED_MINUTES = 60


class Runners(pulumi.ComponentResource):
    """A CodeBuild project that gives each job a machine; `RunnerWebhook` lets GitHub call it.

    Jobs ask for it by `runs-on: codebuild-<project>-${{ github.run_id }}-${{ github.run_attempt }}`
    (`label`). The runner's own role may log and join the network, nothing else: what a job may do
    comes from the role that its environment lets it take. The connection to GitHub begins as
    pending, until somebody has approved it in the console once.
    """

    project_name: pulumi.Output[str]
    project_arn: pulumi.Output[str]
    label: str
    security_group_id: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    connection_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        project_name: str,
        role_name: str,
        repository: Repository,
        account: str,
        region: str,
        vpc_id: pulumi.Input[str],
        vpc_cidr: pulumi.Input[str],
        subnet_ids: Sequence[pulumi.Input[str]],
        key_arn: pulumi.Input[str],
        log_retention_days: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Runners", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)
        self._place = f"{region}:{account}"
        self._account = account
        connection = aws.codeconnections.Connection(
            f"{name}-connection",
            name=project_name[:32].rstrip("-"),
            provider_type="GitHub",
            opts=self._child,
        )
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/codebuild/{project_name}",
            retention_in_days=log_retention_days,
            kms_key_id=key_arn,
            opts=self._child,
        )
        group = self._security_group(vpc_id, vpc_cidr)
        role, policy = self._role(role_name, project_name, logs, connection, subnet_ids)
        project = aws.codebuild.Project(
            f"{name}-project",
            name=project_name,
            description=f"Runs the deployments of {repository.owner}/{repository.name}",
            service_role=role.arn,
            source={
                "type": "GITHUB",
                "location": f"https://github.com/{repository.owner}/{repository.name}.git",
                "git_clone_depth": 1,
                "auth": {"type": "CODECONNECTIONS", "resource": connection.arn},
            },
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "ARM_CONTAINER",
                "compute_type": COMPUTE,
                "image": IMAGE,
                "image_pull_credentials_type": "CODEBUILD",
                "privileged_mode": False,
            },
            vpc_config={
                "vpc_id": vpc_id,
                "subnets": list(subnet_ids),
                "security_group_ids": [group.id],
            },
            logs_config={
                "cloudwatch_logs": {"status": "ENABLED", "group_name": logs.name},
                "s3_logs": {"status": "DISABLED"},
            },
            encryption_key=key_arn,
            build_timeout=JOB_MINUTES,
            queued_timeout=QUEUED_MINUTES,
            project_visibility="PRIVATE",
            badge_enabled=False,
            # CodeBuild tries the role on the network while it creates the project.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.project_name = project.name
        self.project_arn = project.arn
        self.log_group_name = logs.name
        self.label = f"codebuild-{project_name}"
        self.security_group_id = group.id
        self.connection_arn = connection.arn
        self.register_outputs(
            {
                "project_arn": self.project_arn,
                "label": self.label,
                "security_group_id": self.security_group_id,
                "connection_arn": self.connection_arn,
            }
        )

    def _security_group(
        self, vpc_id: pulumi.Input[str], vpc_cidr: pulumi.Input[str]
    ) -> aws.ec2.SecurityGroup:
        group = aws.ec2.SecurityGroup(
            f"{self._name}-security-group",
            description="CI runners; nothing comes in",
            vpc_id=vpc_id,
            tags={"Name": self._name},
            opts=self._child,
        )
        # GitHub and the providers' APIs have no fixed addresses; only HTTPS leaves the network.
        for label, cidr, port, why in (
            ("https", "0.0.0.0/0", 443, "GitHub, AWS and the cluster over TLS"),
            ("postgresql", vpc_cidr, 5432, "Databases of the cell"),
        ):
            aws.vpc.SecurityGroupEgressRule(
                f"{self._name}-egress-{label}",
                security_group_id=group.id,
                cidr_ipv4=cidr,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                description=why,
                opts=self._child,
            )
        return group

    def _role(
        self,
        role_name: str,
        project_name: str,
        logs: aws.cloudwatch.LogGroup,
        connection: aws.codeconnections.Connection,
        subnet_ids: Sequence[pulumi.Input[str]],
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role = aws.iam.Role(
            f"{self._name}-role",
            name=role_name,
            description="CI runners: log, and join the private network",
            assume_role_policy=policy_document(
                [
                    service_trust(
                        "OurProject",
                        "codebuild.amazonaws.com",
                        self._account,
                        source_arn=f"arn:aws:codebuild:{self._place}:project/{project_name}",
                    )
                ]
            ),
            max_session_duration=3600,
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-policy",
            name="runner",
            role=role.name,
            policy=policy_document(
                runner_statements(
                    place=self._place,
                    log_group_arn=logs.arn,
                    connection_arn=connection.arn,
                    subnet_ids=subnet_ids,
                )
            ),
            opts=self._child,
        )
        return role, policy


def runner_statements(
    *,
    place: str,
    log_group_arn: pulumi.Input[str],
    connection_arn: pulumi.Input[str],
    subnet_ids: Sequence[pulumi.Input[str]],
) -> Sequence[Statement]:
    """What the runner itself needs; `place` is `<region>:<account>`."""
    subnets = [
        pulumi.Output.concat(f"arn:aws:ec2:{place}:subnet/", subnet) for subnet in subnet_ids
    ]
    return [
        {
            "Sid": "Log",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": pulumi.Output.concat(log_group_arn, ":*"),
        },
        {
            "Sid": "SpeakToGithub",
            "Effect": "Allow",
            "Action": [
                "codeconnections:GetConnection",
                "codeconnections:GetConnectionToken",
                "codeconnections:UseConnection",
            ],
            "Resource": connection_arn,
        },
        {
            "Sid": "LookAtTheNetwork",
            "Effect": "Allow",
            "Action": [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            "Resource": "*",
        },
        {
            # CodeBuild names neither subnet nor service when it makes or removes an interface.
            "Sid": "MakeInterfaces",
            "Effect": "Allow",
            "Action": ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"],
            "Resource": f"arn:aws:ec2:{place}:*/*",
        },
        {
            "Sid": "AttachInterfacesInTheseSubnets",
            "Effect": "Allow",
            "Action": "ec2:CreateNetworkInterfacePermission",
            "Resource": f"arn:aws:ec2:{place}:network-interface/*",
            "Condition": {
                "StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"},
                "ArnEquals": {"ec2:Subnet": subnets},
            },
        },
    ]
