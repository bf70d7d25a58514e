"""What the AWS Load Balancer Controller may do here: register pods in target groups, no more."""

from __future__ import annotations

from typing import Any


def registering_statements(account: str, region: str) -> list[dict[str, Any]]:
    """Statements for a controller that serves target group bindings only.

    A part of the controller's published policy, for the calls that reconciling a binding makes.
    Source: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/
    """
    return [
        {
            "Sid": "SeeTargetsAndNetwork",
            "Effect": "Allow",
            "Action": [
                "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInstances",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
                "elasticloadbalancing:DescribeTargetGroups",
                "elasticloadbalancing:DescribeTargetHealth",
            ],
            "Resource": "*",
        },
        {
            "Sid": "RegisterPods",
            "Effect": "Allow",
            "Action": [
                "elasticloadbalancing:DeregisterTargets",
                "elasticloadbalancing:RegisterTargets",
            ],
            "Resource": f"arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/*",
        },
    ]
