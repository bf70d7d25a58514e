"""What a move of a tenant needs of the cloud it moves in: the one seam between rules and clouds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from catalog.catalog import Catalog, Ledger
    from catalog.tenant import Placement
    from database_moves.database import Database
    from database_moves.poolers.pooler import Pooler
    from stacks.lost_side import LostSide
    from tenant_moves.plan import Plan
    from tenant_moves.slices import DatabaseAt, Exports


class Aws(Protocol):
    """AWS in every account and region of the platform.

    It goes with the switch hook into the guard's process, so it can be pickled.
    """

    def client(self, service: str, account: str, region: str) -> Any:
        """A boto3 client of the mover, for one service in one account and region."""

    def rclone(self, account: str, region: str) -> dict[str, str]:
        """The variables by which rclone reaches S3 there, but for the remote's name in front.

        Such as `ENDPOINT`; they may hold credentials, so they belong in an environment only.
        """


class Platform(Protocol):
    """The cloud of a catalog: the local one, or AWS."""

    @property
    def catalog(self) -> Catalog:
        """What people declare."""

    @property
    def aws(self) -> Aws:
        """The way to AWS."""

    @property
    def deployer(self) -> Aws:
        """The same as whoever brings stacks up, who may change what is in them."""

    @property
    def dialled(self) -> Mapping[str, str]:
        """What a server needs instead of a mover when it dials another one, see `Database`."""

    @property
    def directory(self) -> Path:
        """Where this machine may keep what can be lost, and its record of moves."""

    def bring_up(self, tenant: str) -> Exports:
        """Apply the tenant's stack, with a slice for each placement; again changes nothing.

        Raises `MoveError` where it can't be applied.
        """

    def bring_up_peering(self, stack: str) -> None:
        """Apply the stack of a pair of cells as the ledger has it when its turn comes.

        Raises `MoveError` where it can't be applied.
        """

    def reaches(self, plan: Plan) -> bool:
        """Whether what moves a tenant can dial both of its sides before anything is brought up."""

    def exports(self, tenant: str) -> Exports:
        """What the tenant's stack exported when it was brought up last; raises `MoveError`."""

    def kept(self) -> Collection[str]:
        """The tenants of whose stacks something is there, whether they are declared or not."""

    def maintenance(self, tenant: str, place: Placement) -> Database | None:
        """The maintenance database of a placement's server; None for a dedicated one to be made.

        Raises `MoveError` where there should be a server and there is none.
        """

    def mover_dsn(self, at: DatabaseAt) -> str:
        """How the mover's role comes into a tenant's database; it may hold a password."""

    def poolers(
        self, tenant: str, source: Database, target: Database, cells: Collection[str]
    ) -> tuple[Pooler, ...]:
        """The poolers of a tenant's slices in cells, each leading to one of the two databases."""

    def hindrances(self, plan: Plan) -> Iterator[str]:
        """Why this cloud can't make a move, each with what to do about it."""

    def store_url(self, tenant: str) -> str:
        """Where a tenant's moves are recorded, unless a store of all machines is named.

        It may hold a password. Raises `MoveError`.
        """

    def copy_url(self, tenant: str, place: Placement) -> str | None:
        """Where a copy of that record lies, on the server of a placement.

        None where this platform has one record, whatever becomes of a cell. As `store_url` else.
        """

    def has_on(self, stack: str, side: LostSide) -> list[str]:
        """What a stack has on a side, see `stacks.lost_side.listed`; raises `MoveError`."""

    def let_go(self, stack: str, side: LostSide) -> None:
        """Take what a stack has on a side that is gone for good out of its state.

        Nothing there is asked or deleted; again changes nothing. Raises `MoveError`.
        """

    def served(self) -> Ledger:
        """The placement that serves each tenant, by the ledger."""
