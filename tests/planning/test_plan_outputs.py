"""A plan in every output: bounded, the most important first, and deaf to hostile names."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import plan_sample
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from planning.document import Change, Mark, Plan, Side, StackPlan
from planning.outputs import FORMATS, SUFFIXES, renderer
from planning.outputs.colour import styled
from planning.outputs.escape import code, plain
from planning.outputs.markdown import MOST_BYTES, render

ALLOWED = {
    *("a", "blockquote", "br", "code", "details", "em", "h2", "h3", "li", "ol", "p", "strong"),
    *("summary", "ul", "b"),
}


class Tags(HTMLParser):
    """Every tag of a page, and every attribute."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(markdown: str) -> Tags:
    """A comment as a code host renders it, raw HTML let through."""
    return Tags(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown))


def large(stacks: int) -> Plan:
    changes = tuple(
        Change(
            urn=f"urn:{number}",
            type="aws:s3/bucket:Bucket",
            name=f"bucket-{number}-" + "ü`<" * 60,
            action="delete",
            marks=(Mark(kind="loses-data", severity="high", text=f"bucket {number} goes"),),
        )
        for number in range(30)
    )
    return Plan(
        base=Side(name="main"),
        head=Side(name="work tree"),
        stacks=tuple(
            StackPlan(stack=f"tenant.t{number}", status="changed", changes=changes)
            for number in range(stacks)
        ),
    )


@pytest.mark.parametrize("format", FORMATS)
def test_every_output_has_every_section(format: str) -> None:
    text = renderer(format)(plan_sample.plan())
    wanted = ["pool-a", "is lost", "no-open-groups"]
    if format != "sarif":
        wanted += ["acme", "old-rule", "less", "what drifted", "sqs:SendMessage", "events"]
    read = html.unescape(text).replace("\N{ZERO WIDTH JOINER}", "")
    assert [each for each in wanted if each not in read] == []


def test_every_suffix_stands_for_a_format() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS)


def test_nothing_hostile_becomes_html_or_a_mention_in_a_comment() -> None:
    comment = render(plan_sample.plan())
    page = shown(comment)
    assert set(page.tags) <= ALLOWED
    assert page.attributes == []
    assert "<img src=x" in page.text
    assert not re.search(r"@[A-Za-z0-9]", page.text)
    assert "-->" not in comment


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "</code></details>",
        "![x](https://example.org/x.png)",
        "[x](javascript:alert(1))",
        "https://example.org www.example.org a@example.org",
        "@octocat and @org/team",
        "#12 GH-12 org/repo#3",
        "**bold** _em_ __strong__ ~~gone~~ `code` ``` fence",
        "| a | b |\n| - | - |",
        "# heading",
        "- item\n- [ ] task",
        "1. item",
        "> quote",
        "line\n\nnew paragraph\r\n    code",
        "<!-- hidden -->",
        "&lt;b&gt; &amp; &#60;",
        "$x$ $$y$$ :tada:",
        "\u202eturned around\u2066 \u200b\x1b[31m\x00",
        "\\*",
    ],
)
def test_a_hostile_text_is_shown_as_it_is(hostile: str) -> None:
    for escaped in (plain(hostile), code(hostile)):
        page = shown(f"- {escaped}\n")
        assert set(page.tags) <= {"ul", "li", "code", "p"}
        for raw in ("<", "`", "](", "@o", "**", "://", "|", "$x", ":tada:"):
            assert raw not in escaped.replace("<code>", "").replace("</code>", ""), raw
        assert not re.search(r"(?<!&)#\d", escaped)
        words = re.findall(r"[a-z]{3,}", html.unescape(hostile) if "&" in hostile else hostile)
        assert [word for word in words if word not in page.text] == []


@settings(max_examples=150)
@given(st.text(max_size=60))
def test_no_text_at_all_becomes_markup(text: str) -> None:
    page = shown(f"- {plain(text)}: {code(text)}\n")
    assert set(page.tags) <= {"ul", "li", "code", "p"}
    assert page.tags.count("code") == 1


@pytest.mark.parametrize("stacks", [1, 30, 100])
def test_a_comment_is_never_longer_than_it_may_be(stacks: int) -> None:
    comment = render(large(stacks))
    assert len(comment.encode()) <= MOST_BYTES
    tags = re.findall(r"</?(?:details|summary|code)>", comment)
    for name in ("details", "summary", "code"):
        assert tags.count(f"<{name}>") == tags.count(f"</{name}>")
    if stacks > 1:
        assert re.search(r"Left out for want of room: [\d,]+ of ", comment)
        assert "artifact" in comment


def test_stacks_that_change_alike_are_shown_once_and_counted() -> None:
    comment = render(plan_sample.plan())
    assert comment.count("<code>jobs</code>") == 1
    assert "and 2 stacks alike" in comment


def test_what_is_marked_comes_first_and_the_worst_before_the_rest() -> None:
    marks = [
        Mark(kind="quota-raised", severity="medium", text="second"),
        Mark(kind="loses-data", severity="high", text="first"),
    ]
    change = Change(urn="u", type="a:b:C", name="n", action="update", marks=tuple(marks))
    stack = StackPlan(stack="tenant.a", status="changed", changes=(change,))
    comment = render(Plan(base=Side(name="a"), head=Side(name="b"), stacks=(stack,)))
    assert comment.index("first") < comment.index("second") < comment.index("<details>")


def sarif() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(renderer("sarif")(plan_sample.plan()))
    return found


def test_sarif_has_what_its_standard_asks_for() -> None:
    log = sarif()
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["region"]["startLine"] >= 1
        assert not location["physicalLocation"]["artifactLocation"]["uri"].startswith("/")


def test_sarif_points_at_the_line_that_declares_the_resource() -> None:
    (run,) = sarif()["runs"]
    (lost,) = [each for each in run["results"] if each["ruleId"] == "plan/loses-data"]
    place = lost["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "components/aws/database.py"
    assert place["region"]["startLine"] == 120


def test_json_is_the_whole_plan() -> None:
    plan = plan_sample.plan()
    assert Plan.model_validate_json(renderer("json")(plan)) == plan


def test_text_for_a_terminal_has_no_control_characters() -> None:
    text = renderer("text")(plan_sample.plan())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)


def test_colours_change_no_character_of_the_text() -> None:
    text = renderer("text")(plan_sample.plan())
    assert styled(text).plain == text
    assert any("red" in str(span.style) for span in styled(text).spans)
