"""The page of a move's report, in a real browser: drawn, whole by itself, on narrow screens too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import move_sample
import page_in_browser
import pytest

from database_moves.report.document import report
from database_moves.report.page import page

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs_chromium


@pytest.mark.parametrize("width", [390, 1280])
def test_the_charts_are_drawn_inside_the_page(tmp_path: Path, width: int) -> None:
    file = tmp_path / "move.html"
    document = report(move_sample.state(), move_sample.samples(), None, move_sample.at(1900))
    file.write_text(page(document), encoding="utf-8")
    seen = page_in_browser.look(file, width=width)
    assert seen.charts >= 2
    assert "orders-18.internal:5432/orders" in seen.text
