"""Mends how moto reads policies where it does not know what they ask about."""

from __future__ import annotations

from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult


def mend() -> None:
    """Let a statement with conditions say nothing where no value of them is known.

    moto takes it for a denial, and so refuses every request to a bucket that denies plain HTTP. AWS
    applies such a statement only to requests that fulfil its conditions.

    When permissions are enforced, which only tests ask for, moto knows a request's resource for few
    services (S3, SQS, IAM, STS) and calls all others `*`, which no ARN matches: for those the
    action alone is judged.
    """
    original = IAMPolicyStatement.is_action_permitted

    def is_action_permitted(
        self: Any,
        action: str,
        resource: str = "*",
        principal: str | None = None,
        incoming_condition_values: dict[str, str] | None = None,
    ) -> PermissionResult:
        if incoming_condition_values is None and self._statement.get("Condition"):
            return PermissionResult.NEUTRAL
        if resource == "*" and self._statement.get("Resource", "*") != "*":
            if self._statement["Effect"] == "Deny":
                return PermissionResult.NEUTRAL
            self = IAMPolicyStatement({**self._statement, "Resource": "*"})
        return original(self, action, resource, principal, incoming_condition_values)

    IAMPolicyStatement.is_action_permitted = is_action_permitted  # type: ignore[method-assign]
