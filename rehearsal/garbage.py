"""How often processes of this project look for garbage: seldom, as nearly all they make stays."""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 50
"""Objects until a search, and searches until those of the older generations. Python's 700 and 10
have it look through an SDK's modules, or a graph, again and again: a quarter of the time."""


def search_seldom() -> None:
    """Set it for this process."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)
