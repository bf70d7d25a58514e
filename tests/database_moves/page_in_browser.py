"""Opens the page of a move's report in a real browser and sees whether it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from pathlib import Path

from tests import browsers


@dataclass(frozen=True)
class Seen:
    """What a person would see."""

    text: str
    charts: int
    """How many have a size and something drawn in them."""


def look(file: Path, *, width: int, picture: Path | None = None) -> Seen:
    """Open a page from its file; nothing may be asked for, go wrong, or stick out at the side."""
    asked: list[str] = []
    said: list[str] = []
    with sync_playwright() as started:
        program = browsers.chromium()
        assert program is not None
        # The tests may run as root, where Chromium's own sandbox refuses to.
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": width, "height": 900})
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(file.as_uri())
        text = tab.locator("body").inner_text()
        charts = tab.locator("svg").evaluate_all(
            "all => all.filter(one => one.getBoundingClientRect().width > 100 && "
            "one.querySelectorAll('path, rect, line, polyline, circle').length > 0).length"
        )
        beyond = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if picture is not None:
            tab.screenshot(path=picture, full_page=True)
        browser.close()
    assert set(asked) == {file.as_uri()}
    assert said == []
    assert beyond <= 0, f"the page is {beyond} pixels wider than a screen of {width}"
    return Seen(text, charts)
