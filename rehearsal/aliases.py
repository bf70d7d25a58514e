"""The URNs that a resource may have had before, from the aliases its program gives it.

The SDK sends aliases as they were written; the engine works out the URNs, and so does this.
Source: https://www.pulumi.com/docs/iac/concepts/resources/options/aliases/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rehearsal.graph import STACK_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pulumi.runtime.proto import alias_pb2

    from rehearsal.graph import Resource


def urn_of(project: str, stack: str, parent: str, type: str, name: str) -> str:
    """The URN the engine gives: the chain of types from below the stack, then the name.

    Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns
    """
    chain = type
    if parent:
        parent_chain = parent.split("::")[2]
        if parent_chain != STACK_TYPE:
            chain = f"{parent_chain}${type}"
    return f"urn:pulumi:{stack}::{project}::{chain}::{name}"


def former_urns(
    urn: str, parent: str, given: Iterable[alias_pb2.Alias], parents: Resource | None
) -> tuple[str, ...]:
    """The URNs that the aliases stand for, and those that follow from the parent's aliases.

    `parents` is the parent as it was registered, None for a child of the stack itself.
    """
    stack, project, chain, name = _parts(urn)
    type = chain.rpartition("$")[2]
    found: list[str] = []
    for alias in given:
        if alias.urn:
            found.append(alias.urn)
            continue
        spec = alias.spec
        under = "" if spec.noParent else spec.parentUrn or parent
        found.append(
            urn_of(
                spec.project or project,
                spec.stack or stack,
                under,
                spec.type or type,
                spec.name or name,
            )
        )
    if parents is not None:
        names = [(type, name), *((_type(old), _parts(old)[3]) for old in tuple(found))]
        found += _inherited(parents, names)
    return tuple(old for old in dict.fromkeys(found) if old != urn)


def _inherited(parent: Resource, names: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The child under each of its parent's former URNs; a name that begins as the parent's
    did follows the parent's former name.
    """
    for former in parent.aliases:
        stack, project, _, former_name = _parts(former)
        for type, name in names:
            child = name
            if name.startswith(parent.name):
                child = former_name + name.removeprefix(parent.name)
            yield urn_of(project, stack, former, type, child)


def _type(urn: str) -> str:
    return _parts(urn)[2].rpartition("$")[2]


def _parts(urn: str) -> tuple[str, str, str, str]:
    head, project, chain, name = urn.split("::", 3)
    return head.removeprefix("urn:pulumi:"), project, chain, name
