"""What a check says of a graph: one thing that a reviewer should know, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

    from planning.severity import Severity
    from rehearsal.graph import Source

Origin = Literal["policy", "checkov", "access"]


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a finding is accepted, and until when."""

    reason: str
    expires: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; two with the same `key` are the same one at two commits."""

    origin: Origin
    rule: str
    """The rule's name, such as `databases-keep-their-data` or `CKV_AWS_17`."""
    severity: Severity
    stack: str
    urn: str
    """The resource; empty where the whole stack is meant."""
    message: str
    """What triggered it: the property and its value."""
    why: str
    """Why the rule exists, and what to do."""
    source: Source | None = None
    """Where the resource is declared."""
    suppression: Suppression | None = None

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What makes it the same finding at another commit."""
        return self.origin, self.rule, self.stack, self.urn, self.message
