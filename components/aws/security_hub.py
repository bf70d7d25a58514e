"""Security Hub for the organization: one policy for all accounts, all findings in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTITION_STANDARDS = (
    "aws-foundational-security-best-practices/v/1.0.0",
    "cis-aws-foundations-benchmark/v/3.0.0",
)
"""What every account is measured against."""


class SecurityHub(pulumi.ComponentResource):
    """Central configuration from the audit account: members cannot leave or choose for themselves.

    The component's own provider is the management account's; `accounts` are named as in the
    catalog. Findings of all regions, GuardDuty's and Config's among them, meet in `home_region`,
    from where those that are critical or high, and new, go to `topic_arn`.
    """

    aggregator_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        home_region: str,
        administrator: str,
        administrator_provider: aws.Provider,
        accounts: Mapping[str, str],
        topic_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:SecurityHub", name, None, opts)
        self._provider = administrator_provider
        hub = aws.securityhub.Account(
            f"{name}-hub",
            enable_default_standards=False,
            control_finding_generator="SECURITY_CONTROL",
            auto_enable_controls=True,
            opts=self._theirs(),
        )
        delegation = aws.securityhub.OrganizationAdminAccount(
            f"{name}-administrator",
            admin_account_id=administrator,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[hub]),
        )
        aggregator = aws.securityhub.FindingAggregator(
            f"{name}-aggregator", linking_mode="ALL_REGIONS", opts=self._theirs(delegation)
        )
        central = aws.securityhub.OrganizationConfiguration(
            f"{name}-members",
            # Central configuration demands both off: its policies decide instead.
            auto_enable=False,
            auto_enable_standards="NONE",
            organization_configuration={"configuration_type": "CENTRAL"},
            opts=self._theirs(aggregator),
        )
        policy = aws.securityhub.ConfigurationPolicy(
            f"{name}-policy",
            name="every-account",
            description="Every account is measured against the same standards",
            configuration_policy={
                "service_enabled": True,
                "enabled_standard_arns": [
                    f"arn:aws:securityhub:{home_region}::standards/{standard}"
                    for standard in PARTITION_STANDARDS
                ],
                "security_controls_configuration": {"disabled_control_identifiers": []},
            },
            opts=self._theirs(central),
        )
        for label, account in sorted(accounts.items()):
            aws.securityhub.ConfigurationPolicyAssociation(
                f"{name}-policy-{label}",
                policy_id=policy.id,
                target_id=account,
                opts=self._theirs(),
            )
        self._notify(name, topic_arn)
        self.aggregator_arn = aggregator.id
        self.register_outputs({"aggregator_arn": self.aggregator_arn})

    def _notify(self, name: str, topic_arn: pulumi.Input[str]) -> None:
        rule = aws.cloudwatch.EventRule(
            f"{name}-severe",
            description="New findings that are critical or high",
            event_pattern=pulumi.Output.json_dumps(
                {
                    "source": ["aws.securityhub"],
                    "detail-type": ["Security Hub Findings - Imported"],
                    "detail": {
                        "findings": {
                            "Severity": {"Label": ["CRITICAL", "HIGH"]},
                            "Workflow": {"Status": ["NEW"]},
                            "RecordState": ["ACTIVE"],
                        }
                    },
                }
            ),
            opts=self._theirs(),
        )
        aws.cloudwatch.EventTarget(
            f"{name}-severe-target", rule=rule.name, arn=topic_arn, opts=self._theirs()
        )

    def _theirs(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._provider, depends_on=list(after))
