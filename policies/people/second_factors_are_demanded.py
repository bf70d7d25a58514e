"""Nobody does anything without a second factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.documents import allows, conditions
from policies.resource_types import PERMISSION_SET, ROLE
from policies.rule import Rule, Verdict
from policies.stack import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

INLINE = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
DUTIES = ("developer", "operator", "auditor", "break-glass")
HARMLESS = ["sts:GetCallerIdentity"]
"""What tells a person who he is, and may be asked without a second factor."""
TAG = "aws:PrincipalTag/mfa"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Sets and duties' roles that are content with a password."""
    demanded = set()
    for policy in stack.of_type(INLINE):
        statements = stack.statements.get((policy.urn, "inlinePolicy"), [])
        denied = any(
            each.get("Effect") == "Deny"
            and (listed(each.get("Action")) == ["*"] or each.get("NotAction") == HARMLESS)
            and any("mfa" in key.lower() for key in conditions(each))
            for each in statements
        )
        yield Verdict(policy, "" if denied else "inlinePolicy denies nothing without a factor")
        for each in stack.referred(policy, "permissionSetArn", PERMISSION_SET):
            demanded.add(each.urn)
    for each in stack.of_type(PERMISSION_SET):
        if each.urn not in demanded:
            yield Verdict(each, "no inline policy demands a second factor")
    if stack.kind != "cell":
        return
    for name in DUTIES:
        roles = [role for role in stack.of_type(ROLE) if role.name == f"duties-{name}"]
        if not roles:
            yield Verdict(None, f"no role is for the duty {name}")
        for role in roles:
            trusts = list(allows(stack.statements.get((role.urn, "assumeRolePolicy"), [])))
            weak = not trusts or any(conditions(s).get(TAG) != ["enforced"] for s in trusts)
            yield Verdict(role, f"assumeRolePolicy does not demand {TAG}" if weak else "")


RULE = Rule(
    __name__,
    severity="high",
    why="A password alone is phished within a minute.",
    remedy="Deny everything without multi-factor authentication in each permission set, and "
    "demand the tag mfa in duties' roles.",
    evaluate=evaluate,
)
