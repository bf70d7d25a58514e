"""What a rule is: a pure function from a stack to verdicts, with why it exists and what to do."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from policies.stack import Stack
    from rehearsal.graph import Resource

Severity = Literal["high", "medium", "low"]
Kind = Literal["organization", "cell", "peering", "tenant"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of one resource, or of the whole stack where there is none."""

    resource: Resource | None
    problem: str = ""
    """What triggered the rule: the property and its value. Empty where the resource complies."""


class Rule:
    """A rule; its name is its file's, and its sentence the file's docstring."""

    def __init__(
        self,
        module: str,
        *,
        severity: Severity,
        why: str,
        remedy: str,
        evaluate: Callable[[Stack], Iterable[Verdict]],
    ) -> None:
        """`module` is the rule's `__name__`; `evaluate` gives a verdict for all that it looks at.

        What a rule can't know offline, it lets pass: unknown values are never guessed.
        """
        self.module = module
        self.area, _, stem = module.removeprefix("policies.").rpartition(".")
        self.name = stem.replace("_", "-")
        self.sentence = (sys.modules[module].__doc__ or "").strip().rstrip(".")
        self.severity: Severity = severity
        self.why = why
        self.remedy = remedy
        self._evaluate = evaluate

    def verdicts(self, stack: Stack) -> list[Verdict]:
        """A verdict for each problem, and one for each resource that has none."""
        return list(self._evaluate(stack))

    def problems(self, stack: Stack) -> list[Verdict]:
        """The verdicts that say what is wrong."""
        return [verdict for verdict in self._evaluate(stack) if verdict.problem]


def each(
    *types: str,
    where: Callable[[Resource, Stack], bool] | None = None,
    only_in: tuple[Kind, ...] = ("organization", "cell", "peering", "tenant"),
    needed_in: tuple[Kind, ...] = (),
) -> Callable[[Callable[[Resource, Stack], Iterable[str]]], Callable[[Stack], Iterator[Verdict]]]:
    """Ask a function of every resource of some types for its problems.

    `where` says which resources are meant, `only_in` in which kinds of stacks, and `needed_in` in
    which of them there must be one.
    """

    def decorate(
        problems_of: Callable[[Resource, Stack], Iterable[str]],
    ) -> Callable[[Stack], Iterator[Verdict]]:
        def evaluate(stack: Stack) -> Iterator[Verdict]:
            met = False
            if stack.kind not in only_in:
                return
            for resource in stack.of_type(*types):
                if where is not None and not where(resource, stack):
                    continue
                met = True
                complies = True
                for problem in problems_of(resource, stack):
                    complies = False
                    yield Verdict(resource, problem)
                if complies:
                    yield Verdict(resource)
            if not met and stack.kind in needed_in:
                yield Verdict(None, f"there is no such {types[0].rpartition(':')[2]}")

        return evaluate

    return decorate


def expects(
    type: str, expected: Mapping[str, Any], needed_in: tuple[Kind, ...] = ()
) -> Callable[[Stack], Iterator[Verdict]]:
    """Ask every resource of a type for the values of properties, by their dotted paths."""

    @each(type, needed_in=needed_in)
    def evaluate(resource: Resource, _: Stack) -> Iterator[str]:
        return differences(resource, expected)

    return evaluate


def differences(resource: Resource, expected: Mapping[str, Any]) -> Iterator[str]:
    """What of a resource's properties is known, and not as expected."""
    for path, value in expected.items():
        given = at(resource.inputs, path)
        if given is not UNKNOWN and given != value:
            yield f"{path} is {shown(given)}, not {shown(value)}"
