"""Shows a plan as one HTML page. Whatever a value holds, it is text there: no browser runs it."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from planning.outputs.wording import groups, marked, visible
from planning.page import layout

if TYPE_CHECKING:
    from pydantic import JsonValue

    from planning.document import Plan, StackPlan

LONGEST = 4_000
"""Characters of one value; the JSON output has the whole of it."""
_ORDER = ("delete", "replace", "create", "update", "rename", "forget")


def page(plan: Plan) -> str:
    """The whole page."""
    script, style = _text("page.js"), _text("page.css")
    # Should a value ever get through unescaped, no browser runs or fetches it.
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    alike = {group[0].stack: group for group in groups(plan.stacks)}
    return (
        _environment()
        .from_string(_text("page.html"))
        .render(
            plan=plan,
            groups=alike.values(),
            marked=[
                (mark, alike[stack.stack], change)
                for mark, stack, change in marked(plan)
                if stack.stack in alike
            ],
            policy=policy,
            script=script,
            style=style,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "value": value,
        "counted": counted,
        "named": named,
        "short": lambda text, size: text if len(text) <= size else text[: size - 1] + "…",
    }
    environment.globals |= {
        "lay_out": layout.lay_out,
        "node_width": layout.WIDTH,
        "node_height": layout.HEIGHT,
    }
    return environment


def value(given: JsonValue) -> str:
    """A property's value as people read it: text as it is, all else as JSON."""
    text = given if isinstance(given, str) else json.dumps(given, indent=2, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"


def named(group: list[StackPlan]) -> str:
    """The first of stacks that change alike, and how many there are besides."""
    others = len(group) - 1
    return f"{group[0].stack} and {others:,} alike" if others else group[0].stack


def counted(stack: StackPlan) -> list[tuple[str, int]]:
    """How many resources each action befalls, the gravest first."""
    counts: dict[str, int] = {}
    for change in stack.changes:
        counts[change.action] = counts.get(change.action, 0) + 1
    return [(action, counts[action]) for action in _ORDER if action in counts]


def _visible(given: object) -> object:
    """Characters that would hide or turn others round, as their escapes."""
    if isinstance(given, Markup):
        return given
    return "\n".join(map(visible, str(given).split("\n")))


def _text(name: str) -> str:
    return (files("planning.page") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
