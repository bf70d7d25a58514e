"""Tells what a rehearsal has done: a tree by component, and a summary."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from scripts.rehearsal_progress import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.tree import Tree

    from rehearsal.outcome import Event, Outcome

UNBOUNDED = 1000
"""Characters; longer than any line of the report."""
MARKS = {
    "create": "+",
    "import": "=",
    "update": "~",
    "replace": "%",
    "delete": "-",
    "retain": "o",
    "keep": "!",
    "same": " ",
}
_LISTED = 12
"""Changed resources of one component that are listed one by one; beyond, they are counted."""
_ALWAYS_LISTED = ("import", "keep", "retain")
_WHOLESALE = ({"create"}, {"delete"})
"""What needs no list: a component that comes or goes as a whole."""


def print_report(outcomes: Sequence[Outcome], *, verbose: bool) -> None:
    """Print a tree for every stack in which something changed, then the totals."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        # A tree is cut where the console ends, and a log or a pipe ends nowhere.
        console.width = UNBOUNDED
    for outcome in outcomes:
        if verbose or any(event.operation != "same" for event in outcome.events):
            console.print(_tree(outcome, verbose))
    totals = total(outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    stacks = "1 stack" if len(outcomes) == 1 else f"{len(outcomes)} stacks"
    resources = "1 resource" if totals.total() == 1 else f"{totals.total()} resources"
    console.print(f"{stacks}, {resources} in {seconds:.1f} s: {summary(totals)}")
    _print_fidelity(console, outcomes, verbose)


def _print_fidelity(console: Console, outcomes: Sequence[Outcome], verbose: bool) -> None:
    simulated, validated = _events(outcomes, "simulated"), _events(outcomes, "validated")
    real = len(_events(outcomes, "real"))
    console.print(f"  {real:>5} made for real, by moto and PostgreSQL")
    if validated:
        console.print(f"  {len(validated):>5} Kubernetes objects checked against schemas, not run")
    if not simulated:
        return
    console.print(f"  {len(simulated):>5} simulated, as nothing on this machine can run them:")
    if verbose:
        for kind, count in sorted(Counter(event.type for event in simulated).items()):
            console.print(f"  {count:>9} {kind}")
        return
    services = Counter(_service(event.type) for event in simulated)
    listed = ", ".join(f"{service} {count}" for service, count in sorted(services.items()))
    indent = " " * 8
    console.print(textwrap.fill(listed, 92, initial_indent=indent, subsequent_indent=indent))


def _service(type: str) -> str:
    return type.split(":")[1].partition("/")[0]


def to_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The same as data: per stack and in total, with every resource that was touched."""
    return {
        "stacks": [
            {
                "stack": outcome.stack,
                "seconds": round(outcome.seconds, 3),
                "counts": _counts(outcome.counts()),
                "simulated": outcome.simulated(),
                "resources": [_event_json(event) for event in outcome.events],
            }
            for outcome in outcomes
        ],
        "counts": _counts(total(outcomes)),
        "simulated": _fidelity(outcomes, "simulated"),
        "validated": _fidelity(outcomes, "validated"),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 3),
    }


def total(outcomes: Sequence[Outcome]) -> Counter[str]:
    """How many resources each operation was done to, over all stacks."""
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts += outcome.counts()
    return counts


def _counts(counts: Counter[str]) -> dict[str, int]:
    names = {
        "create": "created",
        "import": "imported",
        "update": "changed",
        "replace": "replaced",
        "delete": "deleted",
        "retain": "retained",
        "same": "unchanged",
        "keep": "kept",
    }
    return {name: counts[operation] for operation, name in names.items()}


def _event_json(event: Event) -> dict[str, Any]:
    document: dict[str, Any] = {
        "urn": event.urn,
        "operation": event.operation,
        "fidelity": event.fidelity,
        "seconds": round(event.seconds, 3),
    }
    if event.changed:
        document["changed"] = list(event.changed)
    if event.reason:
        document["reason"] = event.reason
    return document


def _events(outcomes: Sequence[Outcome], fidelity: str) -> list[Event]:
    return [event for outcome in outcomes for event in outcome.events if event.fidelity == fidelity]


def _fidelity(outcomes: Sequence[Outcome], fidelity: str) -> int:
    return len(_events(outcomes, fidelity))


def _tree(outcome: Outcome, verbose: bool) -> Tree:
    from rich.tree import Tree

    tree = Tree(
        f"{outcome.stack}  {summary(outcome.counts(), outcome.simulated())}  "
        f"{outcome.seconds:.1f} s",
    )
    by_component: dict[str, list[Event]] = defaultdict(list)
    for event in outcome.events:
        by_component[_component(event, outcome)].append(event)
    for component, events in by_component.items():
        shown = [event for event in events if verbose or event.operation != "same"]
        if not shown:
            continue
        counts: Counter[str] = Counter(event.operation for event in events)
        simulated = sum(event.fidelity == "simulated" for event in events)
        branch = tree.add(f"{component}  {summary(counts, simulated)}")
        wholesale = len(events) > 1 and set(counts) in _WHOLESALE
        for event in shown:
            in_full = len(shown) <= _LISTED and not wholesale
            if verbose or in_full or event.operation in _ALWAYS_LISTED:
                branch.add(_line(event))
    return tree


def _component(event: Event, outcome: Outcome) -> str:
    """The outermost component that the resource belongs to, or the stack itself."""
    if outcome.graph is None:
        return "no longer in the catalog"
    resource = outcome.graph.resources.get(event.urn)
    if resource is None:
        return "no longer in the program"
    outermost = None
    while (parent := outcome.graph.resources.get(resource.parent or "")) is not None:
        resource = outermost = parent
    return f"{outermost.short_type} {outermost.name}" if outermost else "the stack's own"


def _line(event: Event) -> str:
    kind = event.type.rpartition(":")[2]
    text = f"{MARKS[event.operation]} {kind} {event.name}"
    if event.changed:
        text += f"  ({', '.join(event.changed)})"
    if event.reason:
        text += f"  ({event.reason})"
    return text if event.fidelity == "real" else f"{text}  [{event.fidelity}]"
