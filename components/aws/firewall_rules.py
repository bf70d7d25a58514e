"""The rules of a tenant's web ACL, in the order they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

REQUESTS_PER_WINDOW: Final = 30_000
"""From one address in five minutes: 100 a second, as a whole office behind one address may ask."""

RATE_WINDOW_SECONDS: Final = 300

MANAGED_GROUPS: Final = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)
"""Source: https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""

COUNTED_ONLY: Final = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
"""Rules that would break what the platform is for: it takes bodies of more than 8 KiB."""


_Managed = aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs
_Override = aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideArgs
_RuleAction = (
    aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideActionToUseArgs
)
_Count = (
    aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideActionToUseCountArgs
)


def firewall_rules(
    allowed_sets: Sequence[pulumi.Input[str]],
) -> list[aws.wafv2.WebAclRuleArgs]:
    """Blocks what is in none of the address sets, then what is too much, then what is bad."""
    rules = [_only_allowed(allowed_sets), _rate_limit()]
    rules += [
        _managed_group(group, priority) for priority, group in enumerate(MANAGED_GROUPS, len(rules))
    ]
    return rules


def visibility(metric: str) -> aws.wafv2.WebAclVisibilityConfigArgs:
    """Metrics and samples under a name."""
    return aws.wafv2.WebAclVisibilityConfigArgs(
        cloudwatch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
    )


def _rule_visibility(metric: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgs:
    return aws.wafv2.WebAclRuleVisibilityConfigArgs(
        cloudwatch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
    )


def _block() -> aws.wafv2.WebAclRuleActionArgs:
    return aws.wafv2.WebAclRuleActionArgs(block=aws.wafv2.WebAclRuleActionBlockArgs())


def _only_allowed(allowed_sets: Sequence[pulumi.Input[str]]) -> aws.wafv2.WebAclRuleArgs:
    allowed = aws.wafv2.WebAclRuleStatementOrStatementArgs(
        statements=[
            aws.wafv2.WebAclRuleStatementArgs(
                ip_set_reference_statement=aws.wafv2.WebAclRuleStatementIpSetReferenceStatementArgs(
                    arn=arn
                )
            )
            for arn in allowed_sets
        ]
    )
    return aws.wafv2.WebAclRuleArgs(
        name="only-allowed-networks",
        priority=0,
        action=_block(),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            not_statement=aws.wafv2.WebAclRuleStatementNotStatementArgs(
                statement=aws.wafv2.WebAclRuleStatementArgs(or_statement=allowed)
            )
        ),
        visibility_config=_rule_visibility("only-allowed-networks"),
    )


def _rate_limit() -> aws.wafv2.WebAclRuleArgs:
    return aws.wafv2.WebAclRuleArgs(
        name="rate-limit",
        priority=1,
        action=_block(),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                aggregate_key_type="IP",
                limit=REQUESTS_PER_WINDOW,
                evaluation_window_sec=RATE_WINDOW_SECONDS,
            )
        ),
        visibility_config=_rule_visibility("rate-limit"),
    )


def _count() -> _RuleAction:
    return _RuleAction(count=_Count())


def _managed_group(group: str, priority: int) -> aws.wafv2.WebAclRuleArgs:
    return aws.wafv2.WebAclRuleArgs(
        name=group,
        priority=priority,
        override_action=aws.wafv2.WebAclRuleOverrideActionArgs(
            # The SDK leaves this one constructor without annotations.
            none=aws.wafv2.WebAclRuleOverrideActionNoneArgs()  # type: ignore[no-untyped-call]
        ),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            managed_rule_group_statement=_Managed(
                vendor_name="AWS",
                name=group,
                rule_action_overrides=[
                    _Override(name=rule, action_to_use=_count())
                    for rule in COUNTED_ONLY.get(group, ())
                ],
            )
        ),
        visibility_config=_rule_visibility(group),
    )
