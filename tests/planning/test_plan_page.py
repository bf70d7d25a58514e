"""The page of a plan, in a real browser: searchable, drawn, and deaf to hostile values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plan_sample
import pytest
from playwright.sync_api import expect, sync_playwright

from planning.document import Plan, Side
from planning.page.page import page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

from tests import browsers

pytestmark = pytest.mark.needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as started:
        program = browsers.chromium()
        assert program is not None
        # The tests may run as root, where Chromium's own sandbox refuses to.
        opened = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The sample's page, opened from a file; nothing may be asked for, and nothing go wrong."""
    file = tmp_path / "plan.html"
    file.write_text(page(plan_sample.plan()), encoding="utf-8")
    tab = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(file.as_uri())
    yield tab
    assert set(asked) == {file.as_uri()}
    assert said == []
    tab.close()


def test_hostile_values_are_text(shown: Page) -> None:
    readable = plan_sample.HOSTILE.replace("\u202e", "\\u202e")
    assert shown.title() == f"Plan of {readable}"
    expect(shown.locator("img, b, iframe, object, link")).to_have_count(0)
    expect(shown.locator("script")).to_have_count(1)
    assert readable in shown.locator("h1").inner_text()


def test_all_that_the_plan_says_stands_on_the_page(shown: Page) -> None:
    text = shown.locator("body").text_content() or ""
    for each in (
        "loses data",
        "it all goes",
        "to another cell",
        "how long it takes",
        "it is protected",
        "kmsKeyId",
        "known after the apply",
        "kms:TagResource",
        "sqs:SendMessage",
        "no-open-groups",
        "old-rule",
        "gone-rule",
        "the target is full",
        "@org/operators",
        "a policy that is no JSON",
        "the address that the cluster gets",
        "what drifted",
        "tenant.a and 2 alike",
        "tenant.zebra",
        "components/aws/database.py:120",
        "1,003",
    ):
        assert each in text, each


def test_a_search_leaves_what_was_meant_and_can_be_shared(shown: Page) -> None:
    shown.keyboard.press("/")
    shown.keyboard.type("zebra")
    expect(shown.locator("[data-stack]:visible")).to_have_count(1)
    expect(shown.locator("#found")).to_have_text("1 found")
    assert shown.evaluate("location.hash") == "#q=zebra"
    shown.locator("#search").fill("no such thing")
    expect(shown.locator("[data-stack]:visible")).to_have_count(0)
    shown.locator("#search").fill("")
    expect(shown.locator("[data-stack]:visible")).to_have_count(2)


def test_a_search_from_an_address_is_made_when_the_page_opens(shown: Page) -> None:
    shown.evaluate("location.hash = 'q=masterpassword'")
    shown.reload()
    expect(shown.locator("details.change:visible")).to_have_count(1)
    shown.evaluate("location.hash = 'q=%'")
    shown.reload()
    expect(shown.locator("details.change:visible")).to_have_count(4)


def test_a_chosen_resource_shows_its_neighbours_and_opens_its_change(shown: Page) -> None:
    opened = shown.locator("details.change[open]")
    expect(opened).to_have_count(1)
    group = shown.locator("g.node.update")
    group.click()
    expect(opened).to_have_count(2)
    expect(shown.locator("g.near")).to_have_count(1)
    expect(shown.locator("path.near")).to_have_count(1)
    group.focus()
    shown.keyboard.press("Enter")
    expect(shown.locator("g.near")).to_have_count(0)


def test_the_drawing_s_nodes_lie_inside_it_and_apart(shown: Page) -> None:
    drawn = shown.locator("svg").bounding_box()
    boxes = [each.bounding_box() for each in shown.locator("g.node rect").all()]
    assert drawn is not None
    assert len(boxes) == 4
    spots = set()
    for box in boxes:
        assert box is not None
        assert drawn["x"] <= box["x"]
        assert box["x"] + box["width"] <= drawn["x"] + drawn["width"]
        assert box["y"] + box["height"] <= drawn["y"] + drawn["height"]
        spots.add((box["x"], box["y"]))
    assert len(spots) == 4


def test_nothing_is_wider_than_a_telephone(shown: Page) -> None:
    shown.set_viewport_size({"width": 380, "height": 800})
    assert shown.evaluate("document.documentElement.scrollWidth") <= 380


def test_without_a_change_the_page_says_so(browser: Browser) -> None:
    tab = browser.new_page()
    tab.set_content(page(Plan(base=Side(name="a"), head=Side(name="b"))))
    expect(tab.locator("main")).to_have_text("No stack changes.")
    tab.close()
