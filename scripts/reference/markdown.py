"""The few forms of Markdown that the reference uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WRITTEN_BY = "<!-- Written by `make docs`; change the code, not this page. -->"


def page(title: str, introduction: str, sections: Iterable[str]) -> str:
    """A whole page."""
    return "\n\n".join([WRITTEN_BY, f"# {title}", introduction, *sections]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; nothing where it would have no rows."""
    lines = ["| " + " | ".join(cell(text) for text in row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(header) + " |", "|" + " --- |" * len(header), *lines])


def cell(text: str) -> str:
    """Text as a table's cell can hold it."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Text in the type of code; nothing for no text."""
    return f"`{text}`" if text else ""


def anchor(heading: str) -> str:
    """The link to a heading of the same page, as GitHub makes it."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return "#" + kept.replace(" ", "-")
