"""How commands word what they say."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and its noun: `1 tenant`, `2 tenants`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
