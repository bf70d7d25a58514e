"""The policies as a check of plans: what the rules say of a stack's graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from planning.findings import Finding
from planning.suppressions import applied
from policies.registry import rules
from policies.stack import Stack

if TYPE_CHECKING:
    from policies.rule import Rule, Verdict
    from rehearsal.graph import Graph

CRASHED = "Whether the stack keeps to it is not known; mend the rule, or what it stumbles over."


def findings(graph: Graph) -> list[Finding]:
    """What each rule finds wrong; a rule that crashes is a finding, and the others go on."""
    stack = Stack(graph)
    found: list[Finding] = []
    for rule in rules():
        try:
            problems = rule.problems(stack)
        except Exception as error:
            found.append(_crash(rule, graph, error))
            continue
        found += [_finding(rule, graph, verdict) for verdict in problems]
    return applied(found, graph, "policy")


def _finding(rule: Rule, graph: Graph, verdict: Verdict) -> Finding:
    resource = verdict.resource
    return Finding(
        origin="policy",
        rule=rule.name,
        severity=rule.severity,
        stack=graph.stack,
        urn=resource.urn if resource is not None else "",
        message=verdict.problem,
        # Many findings share one comment: why the rule exists stands in docs/reference/policies.md.
        why=rule.remedy,
        source=resource.source if resource is not None else None,
    )


def _crash(rule: Rule, graph: Graph, error: Exception) -> Finding:
    lines = str(error).splitlines() or [""]
    return Finding(
        origin="policy",
        rule=rule.name,
        severity="high",
        stack=graph.stack,
        urn="",
        message=f"the rule failed: {type(error).__name__}: {lines[0][:300]}",
        why=CRASHED,
    )
