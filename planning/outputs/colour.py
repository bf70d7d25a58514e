"""Colours for the text of a plan, where it goes to a terminal."""

from __future__ import annotations

import re

from rich.text import Text

STYLES = (
    (re.compile(r"^high "), "bold red"),
    (re.compile(r"^medium "), "yellow"),
    (re.compile(r"^! "), "bold red"),
    (re.compile(r"^\+ "), "green"),
    (re.compile(r"^[-o] "), "red"),
    (re.compile(r"^± "), "bold magenta"),
    (re.compile(r"^~ "), "cyan"),
)
"""How lines look that begin in some way, after their indent."""


def styled(text: str) -> Text:
    """The text with a style for each line; nothing in it is read as markup."""
    found = Text(no_wrap=False)
    for line in text.splitlines(keepends=True):
        start = line.lstrip()
        style = next((style for pattern, style in STYLES if pattern.match(start)), "")
        if not style and start and start == line:
            style = "bold"
        found.append(line, style)
    return found
