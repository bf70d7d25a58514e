"""What the Pulumi CLI runs: picks the program by the stack's name."""

from __future__ import annotations

import pulumi

from catalog.load import find_root, load
from stacks.ledger import read_ledger
from stacks.looking import looked_at, only_look
from stacks.programs import program


def main() -> None:
    """Run the selected stack's program and export what it returns."""
    directory = looked_at()
    catalog = load(find_root(directory))
    if directory is not None:
        only_look(catalog.organization)
    served = pulumi.get_stack().startswith(("peering.", "tenant."))
    ledger = read_ledger(catalog) if served else {}
    for name, value in program(catalog, pulumi.get_stack(), ledger)().items():
        pulumi.export(name, value)


main()
