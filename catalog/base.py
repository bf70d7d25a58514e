"""What every model of the catalog has in common, and the small value types they share."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


class CatalogModel(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class RefusedError(ValueError):
    """A value that its model refuses, with the remedy a person is shown."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


@lru_cache(maxsize=4096)
def _network(value: str) -> str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise RefusedError(
            "is not a network in CIDR notation",
            "write an address, a slash and a prefix length, such as 203.0.113.0/24",
        ) from None
    if "/" not in value:
        raise RefusedError("lacks its prefix length", f"write {network} for the single address")
    if ipaddress.ip_interface(value).ip != network.network_address:
        alone = ipaddress.ip_network(ipaddress.ip_interface(value).ip)
        raise RefusedError(
            "has host bits set",
            f"write {network} for the whole network, or {alone} for the one address",
        )
    if str(network) != value:
        raise RefusedError("is not in its shortest form", f"write {network}")
    return value


def _ipv4_network(value: str) -> str:
    network = _network(value)
    if ipaddress.ip_network(network).version != 4:
        raise RefusedError("is IPv6 where an IPv4 network is needed", "write an IPv4 network")
    return network


Environment = Literal["dev", "staging", "prod"]

Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", min_length=2, max_length=40),
]
"""Lower-case words joined by single hyphens, starting with a letter."""

AccountId = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
"""An AWS account's id: twelve digits, quoted in YAML so that leading zeros survive."""

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
"""A cloud region, such as `eu-west-1`."""

DomainName = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        max_length=253,
    ),
]
"""A fully qualified domain name in lower case, without the final dot (RFC 1123)."""

Email = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
]

Network = Annotated[str, AfterValidator(_network)]
"""An IPv4 or IPv6 network in CIDR notation without host bits."""

IPv4Network = Annotated[str, AfterValidator(_ipv4_network)]
"""An IPv4 network in CIDR notation without host bits."""

TagKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)]
TagValue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 ._:/=+@-]+$", max_length=256)]
"""What every AWS service accepts as a tag's value."""

Line = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$")
]
"""Text for people, in one line and without characters that change how a terminal shows it."""

Description = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]+$", max_length=100)
]
"""Text that AWS accepts as a security group rule's description."""


Image = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*@sha256:[0-9a-f]{64}$",
        max_length=400,
    ),
]
"""A repository in the organization's registry, pinned by digest."""


class AllowedNetwork(CatalogModel):
    """A network that may reach an ingress."""

    cidr: Network
    """The network, in CIDR notation."""
    description: Annotated[Description, Field(min_length=3)]
    """Whose network this is; shown in security groups and in reviews."""
    reason: Annotated[Line, Field(min_length=10, max_length=300)] | None = None
    """Why this network may be open to the world; required for 0.0.0.0/0 and ::/0."""

    @property
    def open_to_world(self) -> bool:
        """Whether the network is every address there is."""
        return ipaddress.ip_network(self.cidr).prefixlen == 0


AllowList = tuple[AllowedNetwork, ...]
