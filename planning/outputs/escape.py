"""Keeps names and values from becoming Markdown, HTML or a mention where a plan is shown.

Whoever opens a pull request chooses them. Every character that Markdown or HTML could read as
anything but itself becomes a character reference, which neither reads again.
Source: https://github.github.com/gfm/#entity-and-numeric-character-references
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from planning.outputs.wording import one_line

if TYPE_CHECKING:
    from planning.document import Place

_SPECIAL = re.compile(
    r"""[^A-Za-z0-9 ,;/%?.=:_"'(){}\u00a1-\uffff\U00010000-\U0010ffff-]"""
    # A colon may be one of a link or an emoji, an underscore one of emphasis.
    r"|:(?=\S)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
)
_JOINER = "\N{ZERO WIDTH JOINER}"


def plain(text: str) -> str:
    """A text in running Markdown: nothing in it is read as Markdown, HTML, a link or a mention."""
    escaped = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", one_line(text))
    escaped = re.sub(r"(?i)\b(www)\.", r"\1&#46;", escaped)
    # GitHub looks for mentions and references in what is shown, where references are characters.
    escaped = re.sub(r"&#(64|35);", rf"&#\1;{_JOINER}", escaped)
    escaped = re.sub(r"(?i)\b(gh)-(?=\d)", rf"\1-{_JOINER}", escaped)
    # A hyphen or a full stop could begin a list, or underline a heading.
    return re.sub(r"^([-=]|\d+\.)", lambda found: f"{_JOINER}{found[0]}", escaped)


def where(place: Place) -> str:
    """A file and line, as code."""
    return f"{code(place.file)}:{place.line}"


def code(text: str) -> str:
    """A text as code. Not between backticks, which a text could end."""
    return f"<code>{plain(text) or ' '}</code>"
