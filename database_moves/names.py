"""Names of what a move makes on servers, derived from the move's name alone."""

from __future__ import annotations

import hashlib
import re

SCHEMA = "patchworks_moves"
"""The schema of a move's own tables, in both databases."""

APPLICATION = "patchworks"
"""How the `application_name` of every session of a move begins."""

LEASE_KEY = int.from_bytes(hashlib.sha256(b"patchworks database move").digest()[:8], signed=True)
"""The advisory lock that one mover at a time holds in each database."""

_MOVE = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def check(move: str) -> str:
    """The move's name if it can be one; raises `ValueError` saying what is allowed."""
    if not _MOVE.fullmatch(move):
        raise ValueError(
            f"{move!r} cannot name a move: a lowercase letter, then up to 39 lowercase letters, "
            "digits, hyphens or underscores"
        )
    return move


def stream(move: str, direction: str) -> str:
    """The name of a publication, slot and subscription; slots allow a-z, 0-9 and _ only.

    `direction` is `forward` or `reverse`. A digest keeps `a-b` and `a_b` apart; the whole has at
    most 63 bytes.
    """
    digest = hashlib.sha256(move.encode()).hexdigest()[:6]
    return f"pw_{check(move).replace('-', '_')}_{digest}_{direction}"
