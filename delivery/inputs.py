"""Digests of what a stack's program depends on, so that what is unchanged is left alone."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from planning.code import CATALOG, KINDS, PACKAGES, Code
from planning.stack_digests import StackDigests

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
        code, lock = Code(files.blobs), files.blobs.get(LOCK)
        installed = lock.content if lock is not None else b""
        kinds = {kind: _sha256(code.digest(kind).encode() + installed) for kind in KINDS}
        entries = {name: entry.model_dump(mode="json") for name, entry in ledger.items()}
        # What runs is the checkout, and that is the commit: its own programs are imported here.
        self._digests = StackDigests(catalog, entries, kinds)

    def digest(self, stack: str) -> str:
        """Of the code that a stack runs, the catalog that it sees and where its tenant lives."""
        return self._digests.of(stack)

    def references(self, stack: str) -> tuple[str, ...]:
        """The stacks whose exports a stack reads."""
        return self._digests.references(stack)


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
