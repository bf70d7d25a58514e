"""A peering of two cells' networks: there while a tenant spans both, gone when none does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.aws.peering import Peering, PeeringSide
from stacks.offers import CellOffer
from stacks.providers import aws_provider
from stacks.spans import keeps_records, spanned

if TYPE_CHECKING:
    from catalog.catalog import Catalog, Ledger


def deploy(catalog: Catalog, name: str, ledger: Ledger) -> dict[str, Any]:
    """Declare the peering of the two cells in `name`, or nothing where the ledger has no use of it.

    The engine runs this under the stack's lock. So whoever brings the stack up last has read the
    ledger last, and what is there is what the ledger asks for, however many move at once.
    """
    used = spanned(ledger, name)
    if used is None:
        return {}
    requester, accepter = (
        _side(catalog, cell, databases) for cell, databases in sorted(used.items())
    )
    peering = Peering(name, requester=requester, accepter=accepter)
    return {"connection_id": peering.connection_id}


def _side(catalog: Catalog, name: str, databases: frozenset[str]) -> PeeringSide:
    cell = catalog.cells[name]
    offer = CellOffer(cell)
    private, isolated = offer.route_table_ids
    return PeeringSide(
        cell=cell,
        provider=aws_provider(
            name, account=cell.account, region=cell.region, tags=catalog.tags(cell=cell)
        ),
        vpc_id=offer.vpc_id,
        private_route_table_ids=private,
        isolated_route_table_id=isolated,
        node_security_group_id=offer.node_security_group_id,
        runner_security_group_id=offer.runner_security_group_id,
        control_plane_security_group_id=offer.control_plane_security_group_id,
        # One that the catalog has lost has no rules left that could be wanted. Whoever ends a move
        # in one cell reads its record in the other one.
        database_security_group_ids={
            database: offer.database_security_group_id(database)
            for database in sorted({keeps_records(cell), *databases} & set(cell.databases))
        },
    )
