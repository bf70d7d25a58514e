"""Every form in which a plan is shown, each made from the same document."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from planning.document import Plan

FORMATS: Mapping[str, tuple[str, str]] = {
    "text": ("planning.outputs.text", "render"),
    "markdown": ("planning.outputs.markdown", "render"),
    "json": ("planning.outputs.json_document", "render"),
    "sarif": ("planning.outputs.sarif", "render"),
    "html": ("planning.page.page", "page"),
}
"""The module and the function that make a plan's text in each format."""

SUFFIXES: Mapping[str, str] = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".json": "json",
    ".sarif": "sarif",
    ".html": "html",
    ".htm": "html",
}
"""The format that a file's name stands for."""


def renderer(format: str) -> Callable[[Plan], str]:
    """What makes a plan's text in a format."""
    module, function = FORMATS[format]
    render: Callable[[Plan], str] = getattr(import_module(module), function)
    return render
