"""The page of a move's report: whole by itself, well-formed, and deaf to hostile names."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from html.parser import HTMLParser

import move_sample
import pytest

from database_moves.report.document import MoveReport, report
from database_moves.report.page import page
from database_moves.state import MoveState, TableVerified
from database_moves.verification.result import Difference, TableResult, Verification

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\x1b[2J\u202egnp.exe"
VOID = {"meta", "br", "img", "link", "input"}


class Reader(HTMLParser):
    """Collects what a page holds, and fails where an element is not closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def made(state: MoveState | None = None, found: Verification | None = None) -> MoveReport:
    return report(state or move_sample.state(), move_sample.samples(), found, move_sample.at(1900))


def test_a_page_is_well_formed_and_says_first_what_a_manager_asks() -> None:
    reader = Reader(page(made()))
    head = reader.text[: reader.text.index("Time line")]
    for said in (
        "orders-18.internal:5432/orders (PostgreSQL 18.4) serves",
        "81 ms",
        "336,979,893",
        "every row agrees",
        "patchworks database finish orders",
        "patchworks database rollback orders",
        "All was undone: process 21733",
    ):
        assert said in head


def test_a_page_needs_nothing_from_elsewhere_and_runs_nothing() -> None:
    text = page(made())
    reader = Reader(text)
    assert not [a for a in reader.attributes if a[1] in {"src", "href", "action", "srcset"}]
    assert not [a for a in reader.attributes if a[1].startswith("on")]
    assert "script" not in {tag for tag, _, _ in reader.attributes}
    assert not re.search(r"https?://|//[a-z]|url\(|@import", text)
    assert "default-src 'none'" in text


def test_every_number_in_the_drawings_is_finite_and_within_its_drawing() -> None:
    reader = Reader(page(made()))
    drawn = [
        (name, value)
        for _, name, value in reader.attributes
        if name in {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "d"}
    ]
    assert len(drawn) > 500
    numbers = [
        float(n)
        for _, value in drawn
        for n in re.findall(r"[-\w.+]+", value.strip("MLZ "))
        if n not in "MLZ" and not n.startswith(("M", "L"))
    ]
    numbers += [float(n) for _, value in drawn for n in re.findall(r"[ML]([-\w.+]+)", value)]
    assert all(math.isfinite(number) and -1 <= number <= 900 for number in numbers)


def test_every_drawing_says_itself_in_words() -> None:
    reader = Reader(page(made()))
    drawings = [a for a in reader.attributes if a[:2] == ("svg", "viewbox")]
    words = [
        value for tag, name, value in reader.attributes if (tag, name) == ("svg", "aria-label")
    ]
    assert len(words) == len(drawings) > 8
    assert "Rate: at most" in " ".join(words)


def test_names_from_outside_stay_text_wherever_they_stand() -> None:
    swap = move_sample.done(1, 1700)
    step = move_sample.state().steps[0]
    hostile = move_sample.state(
        request=move_sample.request(
            source=move_sample.place("source", HOSTILE, 160014),
            target=move_sample.place("target", HOSTILE, 180004),
            warnings=(HOSTILE,),
        ),
        steps=(step.model_copy(update={"name": HOSTILE, "note": HOSTILE}),),
        verification=move_sample.state().verification.model_copy(  # type: ignore[union-attr]
            update={"largest": (TableVerified(table=HOSTILE, rows=1, differences=0),)}
        ),
        swaps=(
            swap.model_copy(update={"effects": {HOSTILE: 0.01}, "notes": (HOSTILE,)}),
            swap.model_copy(update={"outcome": "aborted", "reason": HOSTILE}),
        ),
        error=HOSTILE,
    )
    text = page(made(hostile))
    tags = {tag for tag, _, _ in Reader(text).attributes}
    assert not tags & {"script", "img"}
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert Reader(text).text.count("<script>alert(1)</script>") >= 8


def test_a_page_of_verification_lists_differences_and_what_was_left_out() -> None:
    def table(name: str, rows: int, counts: dict[str, int]) -> TableResult:
        return TableResult(name, rows, rows * 90, 1, 0, 0.1, move_sample.at(1300), counts)

    found = Verification(
        serving="a:5432/x",
        follower="b:5432/x",
        tables=(
            *(table(f"shop.t{number}", 10_000 - number, {}) for number in range(300)),
            table("shop.small", 7, {"missing": 2}),
        ),
        unverified=("shop.late",),
        differences=(
            Difference("shop.small", "missing", {"id": "17", "region": HOSTILE}),
            Difference("shop.small", "missing", {"id": "18"}),
        ),
        seconds=3.0,
        resumed=0,
    )
    made_of = made(found=found)
    assert made_of.verification is not None
    assert made_of.verification.differences == 2
    assert made_of.verification.tables == 301
    assert not made_of.verification.agrees
    assert made_of.verification.listed_tables[0].table == "shop.small"
    reader = Reader(page(made_of))
    assert "id = 17, region = " in reader.text
    assert "Not compared: shop.late" in reader.text
    assert "every row agrees" not in reader.text


def test_a_move_that_has_just_begun_has_a_page_too() -> None:
    state = MoveState(request=move_sample.request(), phase="schema", serving="source")
    reader = Reader(page(report(state, [], None, move_sample.at(0.2))))
    assert "Under way (schema): orders-16.internal:5432/orders (PostgreSQL 16.14) serves." in (
        reader.text
    )
    assert "no swap was done yet" in reader.text
    assert "svg" not in {tag for tag, _, _ in reader.attributes}


@pytest.mark.parametrize(
    "change",
    [
        {"lag_bytes": 0, "lag_seconds": 0.0},
        {"lag_seconds": math.inf},
        {"lag_seconds": math.nan, "wait_seconds": 1e9},
        {"lag_bytes": 2**62, "done": -5.0},
        {"at": move_sample.at(-86400 * 30)},
    ],
)
def test_odd_measurements_still_make_a_page(change: dict[str, object]) -> None:
    samples = move_sample.samples()
    for number in (0, 300, 900, 1200, 1720, 1721):
        samples[number] = samples[number].model_copy(update=change)
    state = move_sample.state()
    text = page(report(state, samples, None, move_sample.at(1900)))
    assert "nan" not in re.sub(r"[^\d. a-z-]", "", " ".join(re.findall(r' d="([^"]*)"', text)))
    Reader(text)


def test_a_clock_that_went_back_makes_no_bar_of_negative_length() -> None:
    steps = tuple(
        step.model_copy(update={"ended": step.began - timedelta(seconds=3)})
        for step in move_sample.state().steps
    )
    reader = Reader(page(made(move_sample.state(steps=steps))))
    widths = [float(v) for tag, name, v in reader.attributes if (tag, name) == ("rect", "width")]
    assert min(widths) >= 0


def test_a_page_of_a_long_move_stays_small() -> None:
    long = [
        sample.model_copy(update={"at": sample.at + timedelta(hours=hour)})
        for hour in range(40)
        for sample in move_sample.samples()
    ]
    text = page(report(move_sample.state(), long, None, move_sample.at(150_000)))
    assert len(text) < 600_000
