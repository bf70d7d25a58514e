"""Positions in the write-ahead log, as PostgreSQL writes them and as numbers to calculate with."""

from __future__ import annotations


def number(position: str) -> int:
    """The byte that a position such as `16/B374D848` stands for."""
    high, _, low = position.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def text(position: int) -> str:
    """A position as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
