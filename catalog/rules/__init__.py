"""What must hold between the values of the catalog, beyond the type of each.

A rule is a function that adds faults to the entries of a draft. Rules of one entry run once for
each; rules of the whole catalog run once and sort what they compare, so that a thousand tenants
stay a matter of seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog.rules import cells, general, naming, networks, organization, tenants

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.draft import Draft

ENTRY_RULES: tuple[Callable[..., None], ...] = (*general.RULES,)
ORGANIZATION_RULES: tuple[Callable[..., None], ...] = (*organization.RULES,)
CELL_RULES: tuple[Callable[..., None], ...] = (*cells.RULES,)
TENANT_RULES: tuple[Callable[..., None], ...] = (*tenants.RULES,)
CATALOG_RULES: tuple[Callable[..., None], ...] = (*networks.RULES, *naming.RULES)


def judge(draft: Draft) -> None:
    """Run every rule; what each finds is added to the documents of the draft."""
    whole = all(entry.whole for entry in draft.entries)
    for rule in ORGANIZATION_RULES:
        _run(whole, rule, draft, draft.organization)
    for cell in draft.cells.values():
        for rule in CELL_RULES:
            _run(whole, rule, draft, cell)
    for tenant in draft.tenants.values():
        for rule in TENANT_RULES:
            _run(whole, rule, draft, tenant)
    for entry in draft.entries:
        for rule in ENTRY_RULES:
            _run(whole, rule, draft, entry)
    for rule in CATALOG_RULES:
        _run(whole, rule, draft)


def _run(whole: bool, rule: Callable[..., None], *arguments: Any) -> None:
    try:
        rule(*arguments)
    except (AttributeError, TypeError, ValueError, KeyError):
        # A rule that needs a value which is missing or at fault has nothing to say.
        if whole:
            raise
