"""GuardDuty for the organization, administered from the audit account, in every region in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

FEATURES = (
    "EBS_MALWARE_PROTECTION",
    "EKS_AUDIT_LOGS",
    "LAMBDA_NETWORK_LOGS",
    "RDS_LOGIN_EVENTS",
    "RUNTIME_MONITORING",
    "S3_DATA_EVENTS",
)

AGENTS = {
    # GuardDuty would install its agent with an endpoint and a security group of its own making,
    # on which the destruction of a cell's network hangs; cells declare the add-on themselves.
    "EKS_ADDON_MANAGEMENT": "NONE",
    "ECS_FARGATE_AGENT_MANAGEMENT": "NONE",
    "EC2_AGENT_MANAGEMENT": "NONE",
}
"""In the order in which AWS answers: the provider compares lists, and a difference replaces."""


class GuardDuty(pulumi.ComponentResource):
    """A detector for every account and region, which no member account can switch off.

    The component's own provider is the management account's. Only it and the administrator get a
    detector declared here; the members' come from the organization's configuration.
    """

    detector_ids: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        *,
        administrator: str,
        administrator_provider: aws.Provider,
        regions: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:GuardDuty", name, None, opts)
        self.detector_ids = {
            region: self._region(f"{name}-{region}", region, administrator, administrator_provider)
            for region in regions
        }
        self.register_outputs({"detector_ids": self.detector_ids})

    def _region(
        self, name: str, region: str, administrator: str, administrator_provider: aws.Provider
    ) -> pulumi.Output[str]:
        theirs = pulumi.ResourceOptions(parent=self, provider=administrator_provider)
        detector = _detector(name, region, theirs)
        # The management account becomes a member only where it has a detector already.
        own = _detector(f"{name}-management", region, pulumi.ResourceOptions(parent=self))
        delegation = aws.guardduty.OrganizationAdminAccount(
            f"{name}-administrator",
            admin_account_id=administrator,
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[detector, own]),
        )
        last: pulumi.Resource = aws.guardduty.OrganizationConfiguration(
            f"{name}-members",
            detector_id=detector.id,
            auto_enable_organization_members="ALL",
            region=region,
            opts=pulumi.ResourceOptions(
                parent=self, provider=administrator_provider, depends_on=[delegation]
            ),
        )
        for feature in FEATURES:
            # One after the other: GuardDuty refuses changes of one configuration at the same time.
            last = aws.guardduty.OrganizationConfigurationFeature(
                f"{name}-{feature}",
                detector_id=detector.id,
                name=feature,
                auto_enable="ALL",
                additional_configurations=[
                    {"name": agent, "auto_enable": choice} for agent, choice in AGENTS.items()
                ]
                if feature == "RUNTIME_MONITORING"
                else None,
                region=region,
                opts=pulumi.ResourceOptions(
                    parent=self, provider=administrator_provider, depends_on=[last]
                ),
            )
        return detector.id


def _detector(name: str, region: str, opts: pulumi.ResourceOptions) -> aws.guardduty.Detector:
    return aws.guardduty.Detector(
        f"{name}-detector",
        enable=True,
        finding_publishing_frequency="FIFTEEN_MINUTES",
        region=region,
        opts=opts,
    )
