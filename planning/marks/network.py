"""Networks that are opened, and allow-lists that let more in than before."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from planning.marks.looking import changed, mark, named, plain, value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from planning.compared import Compared
    from planning.document import Change, Mark
    from planning.marks.looking import Case
    from rehearsal.graph import Resource

Network = IPv4Network | IPv6Network

_LISTS = ("aws:ec2/managedPrefixList:ManagedPrefixList", "aws:wafv2/ipSet:IpSet")
_GROUPS = (
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
)
_RULES = (
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
)
_SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


def allow_lists(case: Case) -> Iterator[Mark]:
    """A list of networks that may come in has more of them, or wider ones."""
    compared, change = case.compared, case.change
    if change.type not in _LISTS or compared.before is None or compared.after is None:
        return
    before, after = _networks(compared.before), _networks(compared.after)
    wider = [each for each in after if not any(_inside(each, old) for old in before)]
    if wider:
        shown = ", ".join(map(str, wider[:5])) + (" and more" if len(wider) > 5 else "")
        yield mark("widens-allow-list", "high", f"{named(compared)} lets in {shown}")


def opened(case: Case) -> Iterator[Mark]:
    """A security group or network policy lets in what it did not."""
    compared, change = case.compared, case.change
    if change.action in ("delete", "forget", "rename"):
        return
    if change.type in _RULES:
        yield from _rule(compared, change, new_stack=case.base is None)
    elif change.type in _GROUPS:
        for each in changed(change, "ingress"):
            if each.kind != "removed":
                text = f"{named(compared)} lets in {plain(each.after)}"
                yield mark("opens-network", "high", text, each.path)
        for each in changed(
            change,
            "cidrBlocks",
            "ipv6CidrBlocks",
            "securityGroups",
            "fromPort",
            "toPort",
            "protocol",
        ):
            if each.path.startswith("ingress") and each.kind != "removed":
                text = f"{named(compared)} lets in more: {each.path} {plain(each.after)}"
                yield mark("opens-network", "high", text, each.path)
    elif change.type.endswith(":NetworkPolicy") and compared.before is not None:
        for each in change.properties:
            if "spec.ingress" in each.path and each.kind != "removed":
                text = f"{named(compared)} lets in {plain(each.after)}"
                yield mark("opens-network", "medium", text, each.path)
    if change.type.endswith(":NetworkPolicy") and change.action == "replace":
        yield mark("opens-network", "medium", f"{named(compared)} is gone while it is replaced")


def public(case: Case) -> Iterator[Mark]:
    """Something can be reached from the internet that could not."""
    compared, change = case.compared, case.change
    if compared.after is None or (compared.before is None and case.base is None):
        return
    for each in changed(
        change, "publiclyAccessible", "endpointPublicAccess", "mapPublicIpOnLaunch"
    ):
        if each.after in (True, "true"):
            text = f"{named(compared)} can be reached from the internet: {each.path} goes on"
            yield mark("opens-network", "high", text, each.path)
    for each in changed(change, "internal"):
        if each.after not in (True, "true"):
            text = f"{named(compared)} faces the internet"
            yield mark("opens-network", "high", text, each.path)
    if change.type.endswith("PublicAccessBlock"):
        for each in change.properties:
            if each.before is True and each.after is not True:
                text = f"{named(compared)} no longer keeps the public out: {each.path} goes off"
                yield mark("opens-network", "high", text, each.path)


def _rule(compared: Compared, change: Change, *, new_stack: bool) -> Iterator[Mark]:
    after = compared.after
    source = next((found for name in _SOURCES if (found := value(after, name))), None)
    everyone = any(
        isinstance(found := value(after, name), str) and found in ("0.0.0.0/0", "::/0")
        for name in ("cidrIpv4", "cidrIpv6")
    )
    if compared.before is not None and not any(
        True for _ in changed(change, *_SOURCES, "fromPort", "toPort", "ipProtocol")
    ):
        return
    if compared.before is not None and _narrower(compared.before, after):
        return
    if new_stack and not everyone:
        return
    ports = f"{plain(value(after, 'fromPort'))}-{plain(value(after, 'toPort'))}"
    if value(after, "ipProtocol") in ("-1", -1):
        ports = "all ports"
    who = "the whole internet" if everyone else plain(source)
    severity = "high" if everyone or isinstance(value(after, "cidrIpv4"), str) else "medium"
    yield mark("opens-network", severity, f"{named(compared)} lets {who} in on {ports}")  # type: ignore[arg-type]


def _narrower(before: Resource, after: Resource | None) -> bool:
    """Whether a rule lets in nothing that it did not."""
    for name in ("ipProtocol", "prefixListId", "referencedSecurityGroupId"):
        if value(before, name) != value(after, name):
            return False
    old, new = _network(value(before, "cidrIpv4")), _network(value(after, "cidrIpv4"))
    if (old is None) != (new is None) or (old and new and not _inside(new, old)):
        return False
    ends = [value(each, name) for each in (before, after) for name in ("fromPort", "toPort")]
    if not all(isinstance(end, int) for end in ends):
        return bool(ends[:2] == ends[2:])
    return bool(ends[0] <= ends[2] and ends[3] <= ends[1])


def _networks(resource: Resource) -> list[Network]:
    given: Iterable[Any] = [
        *(
            each.get("cidr") if isinstance(each, dict) else None
            for each in value(resource, "entries") or ()
        ),
        *(value(resource, "addresses") or ()),
    ]
    return [found for each in given if (found := _network(each)) is not None]


def _network(given: Any) -> Network | None:
    try:
        return ip_network(given, strict=False) if isinstance(given, str) else None
    except ValueError:
        return None


def _inside(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)
