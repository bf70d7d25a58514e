"""Access Analyzer looks for what is shared outside and for rights nobody uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, Verdict
from policies.stack import at, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

ANALYZER = "aws:accessanalyzer/analyzer:Analyzer"
TYPES = ("ORGANIZATION", "ORGANIZATION_UNUSED_ACCESS")


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Analyzers of less than the organization, and organizations without both."""
    found = set()
    for analyzer in stack.of_type(ANALYZER):
        given = at(analyzer.inputs, "type")
        found.add(given)
        yield Verdict(analyzer, "" if given in TYPES else f"type is {shown(given)}")
    for type in TYPES if stack.kind == "organization" else ():
        if type not in found:
            yield Verdict(None, f"no analyzer is of type {type}")


RULE = Rule(
    __name__,
    severity="medium",
    why="A bucket shared by mistake, and a role nobody needs, are found by nobody who "
    "does not look.",
    remedy="Declare an analyzer of the organization in each region in use, and one for "
    "unused access.",
    evaluate=evaluate,
)
