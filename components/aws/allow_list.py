"""An allow-list as AWS wants it: prefix lists for security groups, address sets for WAF.

Both are made from the same list, so what one lets through the other does too.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_aws as aws

from catalog.allow_lists import MOST_ENTRIES, of_family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.base import AllowedNetwork, AllowList

_STEP: Final = 10
_DESCRIPTION_LIMIT: Final = 255


def room(entries: int) -> int:
    """The size to give a list of so many entries, so that most changes leave its size alone.

    Raises:
        ValueError: no security group could name the list.
    """
    if entries > MOST_ENTRIES:
        raise ValueError(
            f"{entries} networks of one address family are allowed; a security group takes "
            f"{MOST_ENTRIES}: join adjacent ones"
        )
    return min(MOST_ENTRIES, _STEP * (entries // _STEP + 1))


def waf_addresses(entries: Sequence[AllowedNetwork]) -> list[str]:
    """The networks as WAF takes them: it refuses /0, which is the same as both its halves."""
    addresses: list[str] = []
    for entry in entries:
        network = ipaddress.ip_network(entry.cidr)
        parts = network.subnets(prefixlen_diff=1) if entry.open_to_world else (network,)
        addresses += [str(part) for part in parts]
    return addresses


class PrefixLists(pulumi.ComponentResource):
    """An allow-list as one managed prefix list per address family; either may be empty.

    A network that is open to the world carries the reason in its description.
    """

    v4_id: pulumi.Output[str]
    v6_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        list_name: str,
        allow_list: AllowList,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:aws:PrefixLists", name, None, opts)
        v4, v6 = (
            aws.ec2.ManagedPrefixList(
                f"{name}-v{version}",
                name=f"{list_name}-v{version}",
                address_family=f"IPv{version}",
                max_entries=room(len(entries)),
                entries=[
                    aws.ec2.ManagedPrefixListEntryArgs(
                        cidr=entry.cidr, description=_description(entry)
                    )
                    for entry in entries
                ],
                opts=pulumi.ResourceOptions(parent=self),
            )
            for version, entries in ((v, of_family(allow_list, v)) for v in (4, 6))
        )
        self.v4_id = v4.id
        self.v6_id = v6.id
        self.register_outputs({"v4_id": self.v4_id, "v6_id": self.v6_id})


def _description(entry: AllowedNetwork) -> str:
    text = f"{entry.description} (public: {entry.reason})" if entry.reason else entry.description
    return text[:_DESCRIPTION_LIMIT]
