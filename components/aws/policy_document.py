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


def account_root(account: str) -> str:
    """The principal that stands for every identity of an account that IAM there lets through."""
    return f"arn:aws:iam::{account}:root"
