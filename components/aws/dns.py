"""Public DNS zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

ISSUERS_TTL_SECONDS = 3600
"""An hour: issuers hardly ever change, and a wrong one must not stay for days."""


class PublicZone(pulumi.ComponentResource):
    """A public zone in which only Amazon may issue certificates."""

    zone_id: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]

    def __init__(
        self, name: str, *, domain: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("patchworks:aws:PublicZone", name, None, opts)
        zone = aws.route53.Zone(
            f"{name}-zone",
            name=domain,
            comment="Declared by the platform's repository.",
            force_destroy=False,
            opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )
        aws.route53.Record(
            f"{name}-issuers",
            zone_id=zone.zone_id,
            name=domain,
            type="CAA",
            ttl=ISSUERS_TTL_SECONDS,
            records=['0 issue "amazon.com"', '0 issuewild "amazon.com"'],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.zone_id = zone.zone_id
        self.name_servers = zone.name_servers
        self.register_outputs({"zone_id": self.zone_id, "name_servers": self.name_servers})
