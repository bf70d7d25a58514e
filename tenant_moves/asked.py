"""What is asked of a tenant's move, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from database_moves.errors import RefusedError
from tenant_moves import entries
from tenant_moves.slices import NotBroughtUpError, key

if TYPE_CHECKING:
    import threading

    from database_moves.options import MoveOptions
    from database_moves.progress import Progress
    from database_moves.state import MoveState
    from stacks.ledger_table import Entry, LedgerTable
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Platform


@dataclass(frozen=True)
class Asked:
    """A tenant, where it is moved, and how."""

    platform: Platform
    tenant: str
    options: MoveOptions
    report: Progress
    stopping: threading.Event

    @property
    def ledger(self) -> LedgerTable:
        """The organization's."""
        return entries.table(self.platform.catalog.organization, self.platform.aws)

    def entry(self) -> Entry:
        """What the ledger says of the tenant; raises `RefusedError` where it can't be moved."""
        if self.tenant not in self.platform.catalog.tenants:
            raise RefusedError(
                f"{self.tenant} is not in the catalog: it is being deleted, or was never there",
                remedy="put its file back before anything is done to it",
            )
        try:
            exports = self.platform.exports(self.tenant)
        except NotBroughtUpError as error:
            raise RefusedError(
                f"{self.tenant} has never been brought up: {error.message}", remedy=error.remedy
            ) from None
        return entries.first(self.ledger, self.platform.catalog, self.tenant, exports.serving)

    def result(self, found: Plan | None, state: MoveState | None, what: str) -> Result:
        """What became of it, with who serves now."""
        return Result(self.tenant, key(self.entry().placement), found, state, what)


@dataclass(frozen=True)
class Result:
    """What became of a tenant."""

    tenant: str
    serving: str
    """The placement that serves, see `slices.key`."""
    plan: Plan | None
    state: MoveState | None
    """Of the database's move."""
    what: str
    """One sentence."""
    told: tuple[str, ...] = ()
    """What a person should know or do, a sentence each."""
    left: tuple[str, ...] = ()
    """Resources that no stack knows any more: type, name and id."""
