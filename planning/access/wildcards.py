"""IAM's wildcards: which texts a pattern matches, and which patterns it contains."""

from __future__ import annotations

import re
from functools import lru_cache

ALL_BUT = "all but "
"""Begins what stands for a NotResource list: its patterns follow, with `, ` between them."""


def all_but(patterns: tuple[str, ...]) -> str:
    """What a NotResource element means, as one text."""
    return ALL_BUT + ", ".join(patterns)


def covers(wide: str, narrow: str) -> bool:
    """Whether all that the pattern `narrow` matches is matched by `wide`; False where unsure."""
    if wide in ("*", narrow):
        return True
    if narrow.startswith(ALL_BUT):
        excluded = narrow.removeprefix(ALL_BUT).split(", ")
        return wide.startswith(ALL_BUT) and all(
            any(covers(each, left_out) for each in excluded)
            for left_out in wide.removeprefix(ALL_BUT).split(", ")
        )
    if wide.startswith(ALL_BUT) or not ("*" in wide or "?" in wide):
        return False
    return _containing(wide).fullmatch(narrow) is not None


@lru_cache(maxsize=4096)
def _containing(pattern: str) -> re.Pattern[str]:
    # A narrow pattern's own star is text here, which only a star of the wide one may stand for.
    parts = {"*": ".*", "?": "[^*]"}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), re.DOTALL)


@lru_cache(maxsize=4096)
def matching(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for `fullmatch`, whatever the case."""
    parts = {"*": ".*", "?": "."}
    text = "".join(parts.get(char) or re.escape(char) for char in pattern)
    return re.compile(text, re.DOTALL | re.IGNORECASE)
