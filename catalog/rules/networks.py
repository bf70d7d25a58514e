"""Rules for address ranges: cells and VPN never overlap, and no list opens to the world unsaid."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, NamedTuple

from catalog.subnets import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.document import Location
    from catalog.draft import Draft, Entry

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE = tuple(
    ipaddress.IPv4Network(n)
    for n in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
"""RFC 1918 and RFC 6598: what a VPC may use without hiding a part of the internet."""

VPN_RANGE: Location = ("networks", "vpn")

WIDEST = {4: 8, 6: 16}
"""The shortest prefix of an allow-list that needs no reason: /1 twice is the world as well."""

LARGEST_CLIENTS, SMALLEST_CLIENTS = 12, 22
"""What AWS Client VPN accepts for its clients."""


class Range(NamedTuple):
    """A range of addresses and who declares it."""

    network: ipaddress.IPv4Network
    entry: Entry[Any]
    location: Location
    label: str


def networks_are_private_and_large_enough(draft: Draft) -> None:
    """A cell's network is private and has room for the subnets of its zones."""
    for place in _ranges(draft, ("network", "cidr"), "the network of"):
        network = place.network
        if not any(network.subnet_of(private) for private in PRIVATE):
            place.entry.fault(
                "public-range",
                place.location,
                "a cell's network has addresses that belong to others",
                given=network,
                allowed=", ".join(map(str, PRIVATE)),
                remedy="choose a private range that no other cell has",
            )
        zones = place.entry.document.node(("zones",))
        count = len(zones.children) if zones is not None else 2
        try:
            layout(str(network), min(max(count, 2), 3))
        except ValueError as error:
            place.entry.fault(
                "network-size",
                place.location,
                f"the network does not suit its subnets: {error}",
                given=network,
                allowed="/16 to /20",
                remedy="write a range of another size; cells are usually a /16 each",
            )


def networks_do_not_overlap(draft: Draft) -> None:
    """No cell's network overlaps another's or the VPN's, so that any two can peer."""
    ranges = _ranges(draft, ("network", "cidr"), "the network of")
    vpn = _vpn(draft)
    _overlaps([*ranges, *([vpn] if vpn else [])])


def clients_are_inside_the_vpn(draft: Draft) -> None:
    """A cell's VPN clients have a part of the organization's VPN range that no other cell has."""
    ranges = _ranges(draft, ("vpn", "clients"), "the VPN clients of")
    vpn = _vpn(draft)
    for place in ranges:
        if not LARGEST_CLIENTS <= place.network.prefixlen <= SMALLEST_CLIENTS:
            place.entry.fault(
                "network-size",
                place.location,
                "AWS Client VPN does not accept a range of this size",
                given=place.network,
                allowed=f"/{SMALLEST_CLIENTS} to /{LARGEST_CLIENTS}",
                remedy=f"write a /{SMALLEST_CLIENTS}, which has room for 500 people",
            )
        elif vpn is not None and not place.network.subnet_of(vpn.network):
            place.entry.fault(
                "outside-vpn",
                place.location,
                "the VPN clients are outside the organization's VPN range",
                given=place.network,
                allowed=f"a part of {vpn.network}, as {vpn.entry.at(vpn.location)} says",
                remedy=f"choose a free /{SMALLEST_CLIENTS} of {vpn.network}",
            )
    _overlaps(ranges)


def allow_lists_have_reasons(draft: Draft) -> None:
    """A network that is most of the world stands in an allow-list only with its reason."""
    entries: list[Entry[Any]] = [*draft.cells.values(), *draft.tenants.values()]
    for entry in entries:
        seen: dict[Network, int] = {}
        for location, network in _networks_of(entry, ("allow_list",), "cidr"):
            reason = entry.document.node((*location, "reason"))
            if network.prefixlen < WIDEST[network.version] and reason is None:
                entry.fault(
                    "open-to-world",
                    (*location, "cidr"),
                    "an allow-list opens to the world without a stated reason",
                    given=network,
                    allowed=f"/{WIDEST[network.version]} or smaller, or a `reason`",
                    remedy="name the networks that need access, or add `reason`",
                )
            if network in seen:
                entry.fault(
                    "duplicate-item",
                    (*location, "cidr"),
                    "`allow_list` has the same network twice",
                    given=network,
                    allowed=f"each once; the first stands in line {seen[network]}",
                    remedy="remove one of the two",
                )
            seen.setdefault(network, entry.document.position((*location, "cidr"))[0])


def offices_are_small(draft: Draft) -> None:
    """An office is no large part of the internet: it is let in everywhere."""
    entry = draft.organization
    for location, network in _networks_of(entry, ("networks", "offices"), None):
        if network.prefixlen < WIDEST[network.version]:
            entry.fault(
                "open-to-world",
                location,
                "an office's network opens every cell to the world",
                given=network,
                allowed=f"/{WIDEST[network.version]} or smaller",
                remedy="write the office's own public addresses",
            )


def _networks_of(
    entry: Entry[Any], location: Location, key: str | None
) -> Iterator[tuple[Location, Network]]:
    """Each well-formed network of a list or mapping, with the place of its item."""
    node = entry.document.node(location)
    for step, item in node.children.items() if node is not None else ():
        leaf = item if key is None else item.children.get(key)
        network = _network(leaf.value) if leaf is not None else None
        if network is not None:
            yield (*location, step), network


def _network(value: object) -> Network | None:
    try:
        return ipaddress.ip_network(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _ranges(draft: Draft, location: Location, label: str) -> list[Range]:
    found = []
    for name, entry in draft.cells.items():
        node = entry.document.node(location)
        network = _network(node.value) if node is not None else None
        if isinstance(network, ipaddress.IPv4Network):
            found.append(Range(network, entry, location, f"{label} {name}"))
    return found


def _vpn(draft: Draft) -> Range | None:
    node = draft.organization.document.node(VPN_RANGE)
    network = _network(node.value) if node is not None else None
    if not isinstance(network, ipaddress.IPv4Network):
        return None
    return Range(network, draft.organization, VPN_RANGE, "the VPN's range")


def _overlaps(ranges: list[Range]) -> None:
    """Add a fault for each range that overlaps an earlier one; sorted, so a pass suffices."""
    widest: Range | None = None
    for place in sorted(ranges, key=lambda r: (r.network.network_address, r.network.prefixlen)):
        if widest is not None and place.network.subnet_of(widest.network):
            # Of a cell and the VPN's range, the cell is the one to change.
            is_vpn = place.location == VPN_RANGE
            here, there = (widest, place) if is_vpn else (place, widest)
            here.entry.fault(
                "overlap",
                here.location,
                f"{here.label} overlaps {there.label}",
                given=here.network,
                allowed=f"a range apart from {there.network} in {there.entry.at(there.location)}",
                remedy="choose a range that is free",
            )
        else:
            widest = place


RULES = (
    networks_are_private_and_large_enough,
    networks_do_not_overlap,
    clients_are_inside_the_vpn,
    allow_lists_have_reasons,
    offices_are_small,
)
