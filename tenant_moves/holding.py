"""Makes a process the only mover of a tenant, on the server of one of its two placements."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from database_moves.errors import MoveError, RefusedError
from tenant_moves import cloud_faults, lease
from tenant_moves.cloud_faults import CredentialsError
from tenant_moves.context import TenantContext
from tenant_moves.lease import HeldError
from tenant_moves.slices import key, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.tenant import Placement
    from stacks.ledger_table import Entry
    from tenant_moves.absent import Absent
    from tenant_moves.asked import Asked
    from tenant_moves.plan import Plan


@contextlib.contextmanager
def held(asked: Asked, found: Plan, entry: Entry) -> Iterator[TenantContext]:
    """Be the only mover, by the server where the move begins, or began.

    Raises `HeldError` where another one was until just now, and `RefusedError` where the move is
    being ended without one of its sides.
    """
    if entry.gone is not None:
        raise RefusedError(
            f"the move of {asked.tenant} is being ended without {key(entry.gone)}",
            remedy="run the command that ends it again, as it was given: `patchworks tenant finish "
            f"{asked.tenant} --without ...`, or `patchworks tenant rollback {asked.tenant} "
            "--without target` of a move that was not cut over",
        )
    otherwise = ""
    if found.begun and not same(entry.placement, found.source):
        otherwise = (
            f"; if it is gone for good: `patchworks tenant finish {asked.tenant} --without source`"
        )
    with _leased(asked, found, entry, found.source, otherwise):
        yield TenantContext(asked.platform, found, asked.options, asked.report, asked.stopping)


@contextlib.contextmanager
def held_without(
    asked: Asked, found: Plan, entry: Entry, absent: Absent
) -> Iterator[TenantContext]:
    """Be the only one who ends the move without a side, by the server of the other one.

    A mover that still reaches the side that is left out may hold the lease there. It is stopped by
    the ledger, which says that this side is given up, and by the lease of the database that stays.
    """
    with _leased(asked, found, entry, absent.stays, ""):
        yield TenantContext(
            *(asked.platform, found, asked.options, asked.report, asked.stopping), absent=absent
        )


@contextlib.contextmanager
def _leased(
    asked: Asked, found: Plan, entry: Entry, place: Placement, otherwise: str
) -> Iterator[None]:
    try:
        with cloud_faults.explained():
            server = asked.platform.maintenance(asked.tenant, place)
    except CredentialsError:
        raise
    except MoveError as error:
        raise MoveError(error.message, remedy=f"{error.remedy or ''}{otherwise}" or None) from error
    if server is None:
        raise RefusedError(
            f"the server of {key(place)} is not there",
            remedy=f"bring the tenant up: `patchworks rehearse tenant.{asked.tenant}`",
        )
    with lease.hold(server, asked.tenant, otherwise):
        if asked.entry() != entry:
            raise HeldError(
                f"another process has moved {found.tenant} meanwhile",
                remedy="run the same command again: it begins with what there is now",
            )
        yield
