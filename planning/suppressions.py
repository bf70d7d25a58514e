"""Findings that the catalog accepts: marked as such until they expire, and then told of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from planning.findings import Finding, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from planning.findings import Origin
    from rehearsal.graph import Graph

EXPIRED = "Mend what it covered, or let it be reviewed again and give it another last day."
UNUSED = "Take it out: one that covers nothing hides what comes later."


def applied(
    found: Iterable[Finding], graph: Graph, origin: Origin, today: date | None = None
) -> list[Finding]:
    """The findings of one origin, with what is accepted marked, and what is wrong with that."""
    today = today or datetime.now(UTC).date()
    declared = [each for each in graph.suppressions if _origin(each) == origin]
    used: set[int] = set()
    marked = []
    for finding in found:
        for number, each in enumerate(declared):
            if _covers(each, finding):
                used.add(number)
                until = date.fromisoformat(each["expires"])
                if until >= today:
                    accepted = Suppression(each["reason"], until)
                    finding = replace(finding, suppression=accepted)
                    break
        marked.append(finding)
    for number, each in enumerate(declared):
        text = f"{each['rule']} on {each['resource']} in {each['stacks']}"
        if date.fromisoformat(each["expires"]) < today:
            message = f"the suppression of {text} expired on {each['expires']}"
            marked.append(_told(graph, origin, "suppression-expired", "medium", message, EXPIRED))
        elif number not in used and "*" not in each["stacks"]:
            # Elsewhere a wider one may well cover something.
            message = f"the suppression of {text} covers nothing"
            marked.append(_told(graph, origin, "suppression-unused", "low", message, UNUSED))
    return marked


def _origin(declared: Mapping[str, str]) -> Origin:
    return "checkov" if declared["rule"].startswith("CKV") else "policy"


def _covers(declared: Mapping[str, str], finding: Finding) -> bool:
    name = finding.urn.rpartition("::")[2]
    return declared["rule"] == finding.rule and fnmatchcase(name, declared["resource"])


def _told(
    graph: Graph, origin: Origin, rule: str, severity: str, message: str, why: str
) -> Finding:
    return Finding(
        origin=origin,
        rule=rule,
        severity="medium" if severity == "medium" else "low",
        stack=graph.stack,
        urn="",
        message=message,
        why=why,
    )
