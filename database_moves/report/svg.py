"""Writes SVG elements: everything from outside is escaped, and no number is ever NaN."""

from __future__ import annotations

import math
from html import escape

from database_moves.report.wording import visible


def text(words: str) -> str:
    """Words as the content of an element."""
    return escape(visible(words), quote=True)


def element(name: str, content: str = "", **attributes: str | float) -> str:
    """One element; `content` is markup, attributes are plain values.

    A trailing underscore is dropped from an attribute's name and others become hyphens, as in
    `class_` and `text_anchor`. Raises `ValueError` for a number that is not finite.
    """
    given = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items())
    return f"<{name}{given}>{content}</{name}>" if content else f"<{name}{given}/>"


def label(x: float, y: float, words: str, look: str = "") -> str:
    """Words in a drawing."""
    attributes = {"class_": look} if look else {}
    return element("text", text(words), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, look: str) -> str:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=look)


def box(x: float, y: float, width: float, height: float, look: str, tip: str = "") -> str:
    """A rectangle; a pointer that rests on it is told `tip`."""
    content = element("title", text(tip)) if tip else ""
    return element(
        "rect", content, x=x, y=y, width=max(width, 0), height=max(height, 0), class_=look
    )


def path(points: list[tuple[float, float]], look: str, *, floor: float | None = None) -> str:
    """A line through points, or with `floor` the area between them and that height."""
    steps = " ".join(
        f"{'L' if number else 'M'}{_value(x)} {_value(y)}" for number, (x, y) in enumerate(points)
    )
    if floor is not None and points:
        bottom = _value(floor)
        steps += f" L{_value(points[-1][0])} {bottom} L{_value(points[0][0])} {bottom} Z"
    return element("path", d=steps, class_=look)


def drawing(width: float, height: float, alternative: str, content: str) -> str:
    """A whole drawing that scales with its page; `alternative` says it in words."""
    return element(
        "svg",
        content,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=alternative,
    )


def _name(key: str) -> str:
    return key if key == "viewBox" else key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return text(value)
    if not math.isfinite(value):
        raise ValueError(f"{value} can't be drawn")
    return f"{round(value, 2):g}"
