"""Physical names where a program gives none, in the form that Pulumi's providers give them."""

from __future__ import annotations

from rehearsal import attempts


def physical_name(logical_name: str, digits: int = 7) -> str:
    """The logical name, a hyphen and random hexadecimal digits."""
    return f"{logical_name}-{attempts.digits(digits)}"
