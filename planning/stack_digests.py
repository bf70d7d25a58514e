"""Digests of what a commit's stacks depend on, by that commit's own catalog and programs.

The evaluator imports this beside itself, so that nothing of this project is imported here before
the commit's code can be.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class StackDigests:
    """What each stack of one catalog depends on, exports of other stacks aside."""

    def __init__(self, catalog: Any, ledger: Mapping[str, Any], code: Mapping[str, str]) -> None:
        """`ledger` has entries as JSON has them, `code` a digest of each kind's code."""
        from catalog import tenant
        from stacks import programs

        self._catalog = catalog
        self._entries = ledger
        self._code = code
        self._programs = programs
        self._whole: str | None = None
        # An older commit knows less of what an entry may keep beside the placement that serves.
        model = getattr(tenant, "Served", tenant.Placement)
        self.ledger: dict[str, Any] = {
            name: model.model_validate({k: v for k, v in each.items() if k in model.model_fields})
            for name, each in ledger.items()
        }

    def of(self, stack: str) -> str:
        """A digest of the stack's code, of the catalog that it sees and of its tenant's entry."""
        kind, _, name = stack.partition(".")
        served = self._served(name) if kind == "tenant" else ""
        text = "\0".join((stack, self._code[kind], served, self._seen(stack)))
        return hashlib.sha256(text.encode()).hexdigest()

    def references(self, stack: str) -> tuple[str, ...]:
        """The stacks whose exports a stack reads."""
        return tuple(self._programs.references(self._catalog, stack, self.ledger))

    def _served(self, tenant: str) -> str:
        """Where a tenant is served; without an entry that is where its file says."""
        declared = self._catalog.tenants[tenant].placement
        entry = self._entries.get(tenant) or declared.model_dump(mode="json")
        given = {key: value for key, value in entry.items() if value}
        return json.dumps(given, sort_keys=True)

    def _seen(self, stack: str) -> str:
        if hasattr(self._programs, "seen_by"):
            seen = self._programs.seen_by(self._catalog, stack, self.ledger)
            return str(seen.model_dump_json())
        # An older commit's programs are shown the whole catalog and all of the ledger.
        if self._whole is None:
            self._whole = self._catalog.model_dump_json() + json.dumps(dict(self._entries))
        return self._whole
