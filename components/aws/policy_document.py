"""How this project writes IAM policy documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Statement = Mapping[str, Any]
"""One IAM statement; ARNs in it may be outputs."""


def policy_document(statements: Sequence[Statement]) -> pulumi.Output[str]:
    """The statements as a policy document, known as soon as every ARN in it is."""
    return pulumi.Output.json_dumps(
        {"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":")
    )


def service_trust(
    sid: str,
    service: str,
    account: pulumi.Input[str],
    *,
    source_arn: pulumi.Input[str] | None = None,
) -> Statement:
    """Trust in an AWS service while it acts for one account, and there for one thing if named.

    Without the condition anybody could have the service use the role for a thing of their own.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    one_thing = {} if source_arn is None else {"ArnEquals": {"aws:SourceArn": source_arn}}
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}, **one_thing},
    }


def account_root(account: str) -> str:
    """The principal that stands for every identity of an account that IAM there lets through."""
    return f"arn:aws:iam::{account}:root"
