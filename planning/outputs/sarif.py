"""A plan as SARIF 2.1.0, which code hosts show beside the lines that declare resources.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Any

from planning.outputs.wording import count, groups, marked, one_line, title

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.document import Place, Plan
    from planning.severity import Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: dict[Severity, str] = {"high": "error", "medium": "warning", "low": "note"}
SCORES: dict[Severity, str] = {"high": "8.0", "medium": "5.0", "low": "2.0"}
"""What GitHub takes a severity from, https://docs.github.com/en/code-security/reference."""
MOST_RESULTS = 5000
"""GitHub shows no more of a run; the most severe come first."""
_CATALOG = "organization.yaml"


def render(plan: Plan) -> str:
    """Consequences, new findings, gained permissions and faults, each as a result."""
    rules: dict[str, dict[str, Any]] = {}
    results = list(islice(_results(plan, rules), MOST_RESULTS))
    driver = {
        "name": "patchworks plan",
        "version": version("patchworks-platform"),
        "rules": list(rules.values()),
    }
    numbers = {name: number for number, name in enumerate(rules)}
    for result in results:
        result["ruleIndex"] = numbers[result["ruleId"]]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "invocations": [{"executionSuccessful": not (plan.base.errors or plan.head.errors)}],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _results(plan: Plan, rules: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    # Stacks that change alike have the same lines to blame: each stands once, with their number.
    alike = {group[0].stack: len(group) - 1 for group in groups(plan.stacks)}
    shown = plan.model_copy(
        update={"stacks": tuple(each for each in plan.stacks if each.stack in alike)}
    )
    for result in _each(shown, rules):
        name = result["properties"]["stack"]
        if alike.get(name):
            result["message"]["text"] += f" (and in {count(alike[name], 'stack')} alike)"
        yield result


def _each(plan: Plan, rules: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for mark, stack, change in marked(plan):
        _rule(rules, f"plan/{mark.kind}", title(mark.kind), mark.severity)
        place = change.place if change is not None else None
        urn = change.urn if change is not None else ""
        yield _result(f"plan/{mark.kind}", mark.severity, mark.text, stack.stack, urn, place)
    for stack in plan.stacks:
        for found in stack.findings.new:
            name = f"{found.origin}/{found.rule}"
            _rule(rules, name, found.why, found.severity)
            yield _result(name, found.severity, found.message, stack.stack, found.urn, found.place)
        for line in stack.access.gained:
            if line.severity == "low":
                continue
            _rule(rules, "access/gained", "Permission gained", "medium")
            text = "; ".join((line.text, *line.why))
            yield _result("access/gained", line.severity, text, stack.stack, line.urn, line.place)
    for fault in (*plan.head.errors, *plan.base.errors, *plan.faults):
        _rule(rules, "plan/fault", "A plan could not be made, or an apply would fail", "high")
        yield _result("plan/fault", "high", fault.problem, fault.stack, "", fault.place)
    for stack in plan.stacks:
        for change in stack.changes:
            if change.refused:
                _rule(rules, "plan/refused", "An apply would fail", "high")
                text = f"{change.name}: {change.refused}"
                yield _result("plan/refused", "high", text, stack.stack, change.urn, change.place)


def _rule(
    rules: dict[str, dict[str, Any]], name: str, description: str, severity: Severity
) -> None:
    rules.setdefault(
        name,
        {
            "id": name,
            "shortDescription": {"text": one_line(description) or name},
            "defaultConfiguration": {"level": LEVELS[severity]},
            "properties": {"security-severity": SCORES[severity], "tags": ["security"]},
        },
    )


def _result(
    rule: str, severity: Severity, text: str, stack: str, urn: str, place: Place | None
) -> dict[str, Any]:
    # Code hosts show no result without a file; what no line declares stands in the catalog.
    file, line = (place.file, place.line) if place is not None else (_CATALOG, 1)
    identity = "\0".join((rule, stack, urn, text))
    where = f"{stack}: " if stack else ""
    result: dict[str, Any] = {
        "ruleId": rule,
        "level": LEVELS[severity],
        # Placeholders and links are written with braces and brackets in a message.
        "message": {"text": _escaped(one_line(f"{where}{text}"))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(file), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": line},
                },
                "logicalLocations": [{"fullyQualifiedName": urn or stack or "plan"}],
            }
        ],
        "properties": {"stack": stack},
        "partialFingerprints": {"patchworks/v1": hashlib.sha256(identity.encode()).hexdigest()},
    }
    return result


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return escaped.replace("{", "{{").replace("}", "}}")


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(file.lstrip("/"), safe="/")
