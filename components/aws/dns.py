"""Public DNS zones and their delegation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Sequence

DELEGATION_TTL_SECONDS = 3600
"""An hour: name servers hardly ever change, and a wrong one must not stay for days."""


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
            ttl=DELEGATION_TTL_SECONDS,
            records=['0 issue "amazon.com"', '0 issuewild "amazon.com"'],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.zone_id = zone.zone_id
        self.name_servers = zone.name_servers
        self.register_outputs({"zone_id": self.zone_id, "name_servers": self.name_servers})


class Delegation(pulumi.ComponentResource):
    """The record in the parent zone that hands a domain to its own zone's name servers."""

    domain: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        parent_zone_id: pulumi.Input[str],
        domain: str,
        name_servers: pulumi.Input[Sequence[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:Delegation", name, None, opts)
        record = aws.route53.Record(
            f"{name}-name-servers",
            zone_id=parent_zone_id,
            name=domain,
            type="NS",
            ttl=DELEGATION_TTL_SECONDS,
            records=pulumi.Output.from_input(name_servers),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.domain = record.name
        self.register_outputs({"domain": self.domain})
