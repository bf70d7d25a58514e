"""IAM Access Analyzer: what is open beyond the organization, and what nobody uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

UNUSED_DAYS = 90
"""A right that went unused for a quarter is a right that nobody will miss."""


class AccessAnalyzers(pulumi.ComponentResource):
    """The organization's analyzers, in the audit account.

    Sharing is analysed in every region in use; unused rights once, as IAM is global. The
    component's own provider is the management account's.
    """

    def __init__(
        self,
        name: str,
        *,
        administrator: str,
        administrator_provider: aws.Provider,
        regions: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:AccessAnalyzers", name, None, opts)
        delegation = aws.organizations.DelegatedAdministrator(
            f"{name}-administrator",
            account_id=administrator,
            service_principal="access-analyzer.amazonaws.com",
            opts=pulumi.ResourceOptions(parent=self),
        )
        theirs = pulumi.ResourceOptions(
            parent=self, provider=administrator_provider, depends_on=[delegation]
        )
        for region in regions:
            aws.accessanalyzer.Analyzer(
                f"{name}-sharing-{region}",
                analyzer_name="organization-sharing",
                type="ORGANIZATION",
                region=region,
                opts=theirs,
            )
        aws.accessanalyzer.Analyzer(
            f"{name}-unused",
            analyzer_name="organization-unused-access",
            type="ORGANIZATION_UNUSED_ACCESS",
            configuration={"unused_access": {"unused_access_age": UNUSED_DAYS}},
            opts=theirs,
        )
        self.register_outputs({})
