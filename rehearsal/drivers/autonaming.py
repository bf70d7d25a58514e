"""Physical names where a program gives none, in the form that Pulumi's providers give them."""

from __future__ import annotations

import secrets


def physical_name(logical_name: str, digits: int = 7) -> str:
    """The logical name, a hyphen and random hexadecimal digits."""
    return f"{logical_name}-{secrets.token_hex((digits + 1) // 2)[:digits]}"
