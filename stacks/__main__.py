"""What the Pulumi CLI runs: picks the program by the stack's name."""

from __future__ import annotations

import pulumi

from catalog.faults import CatalogFaults
from catalog.load import CatalogNotFoundError, find_root, load
from stacks.ledger import NoLedgerError, read_ledger
from stacks.looking import looked_at, only_look
from stacks.programs import LostCellsError, UnknownStackNameError, program

_FAULTS = (
    CatalogFaults,
    CatalogNotFoundError,
    LostCellsError,
    NoLedgerError,
    UnknownStackNameError,
)


def main() -> None:
    """Run the selected stack's program and export what it returns.

    What whoever runs it can mend is told in its own words, without a trace through the code.
    """
    directory = looked_at()
    try:
        catalog = load(find_root(directory))
        if directory is not None:
            only_look(catalog.organization)
        served = pulumi.get_stack().startswith(("peering.", "tenant."))
        ledger = read_ledger(catalog) if served else {}
        chosen = program(catalog, pulumi.get_stack(), ledger)
    except _FAULTS as fault:
        raise pulumi.RunError(str(fault)) from fault
    for name, value in chosen().items():
        pulumi.export(name, value)


main()
