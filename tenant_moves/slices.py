"""What a tenant's stack exports: its slices, databases and route, as a move works with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from database_moves.errors import MoveError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.tenant import Placement


class NotBroughtUpError(MoveError):
    """The tenant's stack is not there, or was not brought up to its end."""


@dataclass(frozen=True)
class Slice:
    """What a tenant owns in one cell; nothing of it is secret."""

    cell: str
    bucket: str
    secret: str
    key_arn: str
    load_balancer: str
    load_balancer_zone_id: str


@dataclass(frozen=True)
class DatabaseAt:
    """Where a tenant's database is."""

    writer_endpoint: str
    reader_endpoint: str
    port: int
    database: str


@dataclass(frozen=True)
class Exports:
    """A tenant's stack, as it was brought up last."""

    serving: str
    """The placement that the stack was brought up for, see `key`."""
    zone_id: str
    hostnames: tuple[str, ...]
    slices: Mapping[str, Slice]
    """By cell."""
    databases: Mapping[str, DatabaseAt]
    """By placement, see `key`."""

    @classmethod
    def read(cls, outputs: Mapping[str, Any]) -> Exports:
        """Parse what the program of a tenant returns.

        Raises `NotBroughtUpError` where it has returned nothing yet: its first update runs.
        """
        if "serving" not in outputs:
            raise NotBroughtUpError(
                "the tenant's stack has exported nothing: it is being created, or its first update "
                "did not end",
                remedy="bring the tenant's stack up to its end",
            )
        return cls(
            serving=f"{outputs['serving']['cell']}/{outputs['serving']['database']}",
            zone_id=outputs["zone_id"],
            hostnames=tuple(outputs["hostnames"]),
            slices={
                cell: Slice(
                    cell=cell,
                    bucket=piece["bucket"],
                    secret=piece["secret"],
                    key_arn=piece["key_arn"],
                    load_balancer=piece["load_balancer"],
                    load_balancer_zone_id=piece["load_balancer_zone_id"],
                )
                for cell, piece in outputs["slices"].items()
            },
            databases={
                place: DatabaseAt(
                    writer_endpoint=address["writer_endpoint"],
                    reader_endpoint=address["reader_endpoint"],
                    port=int(address["port"]),
                    database=address["database"],
                )
                for place, address in outputs["databases"].items()
            },
        )

    def slice(self, place: Placement) -> Slice:
        """The slice of a placement; raises `MoveError` where the stack has none."""
        if place.cell not in self.slices:
            raise MoveError(
                f"the tenant's stack has no slice in {place.cell}",
                remedy="bring the tenant's stack up again",
            )
        return self.slices[place.cell]

    def database(self, place: Placement) -> DatabaseAt:
        """The database of a placement; raises `MoveError` where the stack has none."""
        if key(place) not in self.databases:
            raise MoveError(
                f"the tenant's stack has no database in {key(place)}",
                remedy="bring the tenant's stack up again",
            )
        return self.databases[key(place)]


def key(place: Placement) -> str:
    """A placement as people and stacks name it: `cell/database`."""
    return f"{place.cell}/{place.database}"


def same(one: Placement, other: Placement) -> bool:
    """Whether two placements are one place, whatever settings a dedicated database has."""
    return key(one) == key(other)
