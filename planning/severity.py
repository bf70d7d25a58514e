"""How grave something is that a plan says, and in which order such things come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Severity = Literal["high", "medium", "low"]

RANK: Mapping[Severity, int] = {"high": 0, "medium": 1, "low": 2}
"""The gravest first."""
