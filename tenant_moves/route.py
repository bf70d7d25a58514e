"""Points a tenant's hostnames at the load balancer of one of its slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tenant_moves.slices import Slice


def point(route53: Any, zone_id: str, hostnames: Sequence[str], at: Slice) -> None:
    """Let every hostname lead to a slice, in one change; again changes nothing."""
    route53.change_resource_record_sets(
        HostedZoneId=zone_id,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "UPSERT",
                    "ResourceRecordSet": {
                        "Name": hostname,
                        "Type": "A",
                        "AliasTarget": {
                            "HostedZoneId": at.load_balancer_zone_id,
                            "DNSName": at.load_balancer,
                            "EvaluateTargetHealth": True,
                        },
                    },
                }
                for hostname in hostnames
            ]
        },
    )


def points_at(route53: Any, zone_id: str, hostname: str) -> str | None:
    """The load balancer that a hostname leads to, or None where it leads nowhere."""
    answer = route53.list_resource_record_sets(
        HostedZoneId=zone_id, StartRecordName=hostname, StartRecordType="A", MaxItems="1"
    )
    for record in answer["ResourceRecordSets"]:
        if record["Name"].rstrip(".") == hostname and record["Type"] == "A":
            name = record.get("AliasTarget", {}).get("DNSName", "").rstrip(".")
            return str(name).removeprefix("dualstack.") or None
    return None
