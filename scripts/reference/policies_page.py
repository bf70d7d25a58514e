"""The page of every policy: its sentence, severity, why it exists and what to do."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from policies.registry import rules
from scripts.reference.markdown import code, page, table

if TYPE_CHECKING:
    from policies.rule import Rule

INTRODUCTION = (
    "What no change may do unseen. Each rule is a file in `policies/`, asked by plans and by "
    "`pulumi preview --policy-pack policies` alike; [settings.md](settings.md) says which setting "
    "each of them holds. What a rule finds and is right for a while stands under `suppressions` "
    "in `organization.yaml`, with a reason and its last day. Findings of high and medium severity "
    "fail a plan when they are new."
)


def policies_page() -> str:
    """The page's text."""
    return page(
        "Policies",
        INTRODUCTION,
        [
            f"## {area.capitalize()}\n\n{_table(list(group))}"
            for area, group in groupby(rules(), key=lambda rule: rule.area)
        ],
    )


def _table(group: list[Rule]) -> str:
    return table(
        ("Rule", "Severity", "What it holds", "Why", "What to do"),
        [
            (code(rule.name), rule.severity, f"{rule.sentence}.", rule.why, rule.remedy)
            for rule in group
        ],
    )
