"""Digests of what a stack's program depends on, so that what is unchanged is left alone."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from planning.code import CATALOG, PACKAGES, Code
from stacks.programs import ORGANIZATION, parse, references, seen_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.catalog import Catalog, Ledger
    from delivery.records import Delivered
    from planning.commits import Repository

LOCK = "requirements.lock"
"""What a program is run with, providers' versions among it."""


class Inputs:
    """What each stack of one commit depends on, exports of other stacks aside."""

    def __init__(
        self, repository: Repository, commit: str, catalog: Catalog, ledger: Ledger
    ) -> None:
        files = repository.files_of(commit, commit, {*PACKAGES, *CATALOG})
        self._code = Code(files.blobs)
        lock = files.blobs.get(LOCK)
        self._lock = lock.content if lock is not None else b""
        self._catalog = catalog
        self._ledger = ledger

    def digest(self, stack: str) -> str:
        """Of the code that a stack runs, the catalog that it sees and where its tenant lives."""
        parts = parse(self._catalog, stack)
        entry = self._ledger.get(parts.name) if parts.kind == "tenant" else None
        seen = seen_by(self._catalog, stack, self._ledger).model_dump(mode="json")
        served = entry.model_dump(mode="json") if entry is not None else None
        text = json.dumps([stack, self._kinds[parts.kind], seen, served], sort_keys=True)
        return _sha256(text.encode())

    def references(self, stack: str) -> tuple[str, ...]:
        """The stacks whose exports a stack reads."""
        return references(self._catalog, stack, self._ledger)

    @cached_property
    def _kinds(self) -> Mapping[str, str]:
        return {
            kind: _sha256(self._code.digest(kind).encode() + self._lock)
            for kind in (ORGANIZATION, "cell", "tenant")
        }


def exports_digest(exports: Mapping[str, Any]) -> str:
    """Of what a stack exports, whatever order its keys have."""
    return _sha256(json.dumps(exports, sort_keys=True, default=repr).encode())


def is_current(
    stack: str, inputs: Inputs, delivered: Mapping[str, Delivered], digest: str | None = None
) -> bool:
    """Whether a stack is as this commit has it: its inputs are, and what it read still holds."""
    last = delivered.get(stack)
    if last is None or last.inputs != (digest or inputs.digest(stack)):
        return False
    wanted = inputs.references(stack)
    return set(wanted) == set(last.read) and all(
        other in delivered and delivered[other].exports == last.read[other] for other in wanted
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
