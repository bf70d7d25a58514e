"""The browser that tests open pages in."""

from __future__ import annotations

import shutil


def chromium() -> str | None:
    """The path of Chromium or Chrome; None where it is missing."""
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None)
