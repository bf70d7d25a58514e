"""Points route, secrets and ledger at the side that serves: what a swap calls inside its pause.

A database's swap decides by its gates who serves; this hook runs just before that decision, while
nobody can write. Whatever it raises undoes the swap, and then it is called with the other side. The
ledger comes last, by compare-and-set: a ledger that somebody else changed undoes everything.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from database_moves.crash_points import reached
from database_moves.errors import MoveError
from database_moves.poolers.pooler import PoolerUnreachableError
from tenant_moves import credentials, entries, route
from tenant_moves.slices import key, same

if TYPE_CHECKING:
    from catalog.catalog import Catalog
    from catalog.tenant import Placement
    from database_moves.database import Side
    from tenant_moves.belongings import Belongings
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Aws
    from tenant_moves.slices import Exports, Slice


@dataclass(frozen=True)
class TenantSwitch:
    """The hook of one tenant's move towards one side; it goes into the guard's process as it is."""

    catalog: Catalog
    aws: Aws
    plan: Plan
    exports: Exports
    belongings: Belongings
    to: Side
    """The side that is to serve; the other one is called for when all is undone."""
    gone: str | None = None
    """A cell in which nothing can be asked, as it is gone for good."""

    def __call__(self, serving: Side, timeout: float) -> None:
        """Point at a side; see `database_moves.cutover.ports.SwitchHook`."""
        deadline = time.monotonic() + timeout
        if serving != self.to:
            self._undo(serving)
            return
        place = self._place(serving)

        def check() -> None:
            if time.monotonic() > deadline:
                raise MoveError(
                    f"objects, secrets and route were not switched within {timeout:.1f} s"
                )

        ledger = entries.table(self.catalog.organization, self.aws)
        entry = ledger.entry(self.plan.tenant)
        # Of a side that serves already the other one is no model, and nothing may be deleted there.
        if entry is None or not same(entry.placement, place):
            self.belongings.last(serving, check)
        else:
            self.belongings.open(serving)
        reached("tenant.objects-last")
        for act in (self._secrets, self._route):
            act(place)
            check()
        reached("tenant.routed")
        entries.flip(ledger, self.plan, place, f"{key(place)} serves")
        reached("tenant.flipped")

    def _undo(self, serving: Side) -> None:
        place = self._place(serving)
        try:
            self.belongings.open(serving)
            self._secrets(place)
            self._route(place)
            ledger = entries.table(self.catalog.organization, self.aws)
            entry = ledger.entry(self.plan.tenant)
            # What somebody else wrote is not ours to undo.
            if entry is not None and entry.move == self.plan.move:
                entries.flip(ledger, self.plan, place, f"undone: {key(place)} serves")
        except (BotoCoreError, ClientError) as error:
            # To be tried again, as a pooler that does not answer is.
            raise PoolerUnreachableError(f"AWS could not be switched back: {error}") from error

    def _place(self, side: Side) -> Placement:
        return self.plan.source if side == "source" else self.plan.target

    def _secrets(self, place: Placement) -> None:
        database = self.exports.database(place)
        for at in self._slices():
            cell = self.catalog.cells[at.cell]
            secrets = self.aws.client("secretsmanager", cell.account, cell.region)
            credentials.lead_to(secrets, at, database)

    def _route(self, place: Placement) -> None:
        organization = self.catalog.organization
        route53 = self.aws.client(
            "route53", organization.accounts.management, organization.home_region
        )
        route.point(
            route53, self.exports.zone_id, self.exports.hostnames, self.exports.slice(place)
        )

    def _slices(self) -> list[Slice]:
        cells = dict.fromkeys((self.plan.source.cell, self.plan.target.cell))
        return [self.exports.slices[cell] for cell in cells if cell != self.gone]
