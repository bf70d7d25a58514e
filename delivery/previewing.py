"""Which stacks a proposed catalog changes, and what bringing them up would do to each resource."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalog.catalog import placements
from delivery.batches import MOST_JOBS
from delivery.checkout import RefusedError
from delivery.engine import EngineError
from planning.code import KINDS
from planning.stack_digests import StackDigests
from stacks.programs import ORGANIZATION, parse, stack_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.catalog import Catalog, Ledger
    from delivery.engine import Engine

STACKS_A_JOB = 4
"""A job needs a minute to get ready, and a preview takes some ten seconds."""


@dataclass(frozen=True, slots=True)
class Affected:
    """The stacks that a proposed catalog changes, by environment."""

    differ: Mapping[str, tuple[str, ...]]
    """Stacks that both catalogs have and that are shown different parts of them."""
    new: tuple[str, ...]
    """There is no state of these to compare with: all of them would be created."""
    gone: tuple[str, ...]
    """Nothing destroys these: a person does."""
    organization: bool
    """Whether the organization's own stack differs, which is out of CI's reach."""


def affected(before: Catalog, after: Catalog, ledger: Ledger) -> Affected:
    """Compare what each stack's program is shown of two catalogs, under the same code."""
    entries = {name: each.model_dump(mode="json") for name, each in ledger.items()}
    same_code = dict.fromkeys(KINDS, "")
    old, new = (StackDigests(each, entries, same_code) for each in (before, after))
    known, wanted = set(stack_names(before)), stack_names(after)
    differ: dict[str, list[str]] = {}
    for stack in wanted:
        if stack not in known or stack == ORGANIZATION:
            continue
        try:
            same = old.of(stack) == new.of(stack)
        except KeyError as missing:
            raise RefusedError(
                f"{stack} is served in {missing}, which the change takes out of the catalog",
                "move it first",
            ) from None
        if not same:
            differ.setdefault(_environment(before, stack), []).append(stack)
    return Affected(
        {environment: tuple(stacks) for environment, stacks in differ.items()},
        tuple(stack for stack in wanted if stack not in known),
        tuple(stack for stack in stack_names(before) if stack not in wanted),
        old.of(ORGANIZATION) != new.of(ORGANIZATION),
    )


def possibly(before: Catalog, after: Catalog) -> dict[str, int]:
    """How many stacks of each environment may differ at most, whatever the ledger says.

    Of a tenant on its way, the ledger names another cell than its file: every tenant of an
    environment counts where one of its cells differs.
    """
    found = affected(before, after, {})
    counts = {environment: len(stacks) for environment, stacks in found.differ.items()}
    for environment, stacks in found.differ.items():
        if any(stack.startswith("cell.") for stack in stacks):
            tenants = [t for t in after.tenants.values() if t.environment == environment]
            counts[environment] = max(counts[environment], len(tenants))
    return counts


def jobs(counts: Mapping[str, int]) -> list[dict[str, str]]:
    """The jobs of a matrix: each a share, such as `2/5`, of what differs in one environment.

    Which stacks a share has is told where the ledger can be read. No more jobs than a matrix
    holds: environments get them in proportion to their stacks.
    """
    wanted = {each: -(-count // STACKS_A_JOB) for each, count in counts.items() if count}
    total = sum(wanted.values())
    most = {
        each: count if total <= MOST_JOBS else max(1, count * MOST_JOBS // total)
        for each, count in wanted.items()
    }
    return [
        {"environment": environment, "share": f"{number}/{count}", "name": f"{number}-of-{count}"}
        for environment, count in sorted(most.items())
        for number in range(1, count + 1)
    ]


def share_of(stacks: Sequence[str], share: str) -> tuple[str, ...]:
    """The stacks of a share, dealt in turn, so that cells and tenants come to all.

    Raises:
        ValueError: it is no share.
    """
    found = re.fullmatch("([1-9][0-9]{0,4})/([1-9][0-9]{0,4})", share)
    number, count = (int(each) for each in found.groups()) if found else (2, 1)
    if number > count:
        raise ValueError(f"{share!r} is no share; write one such as 2/5")
    return tuple(stacks[number - 1 :: count])


def previews(engine: Engine, stacks: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What is to be told of each stack, one after the other; a problem of one stops no other."""
    for stack in stacks:
        try:
            changes = engine.preview(stack)
        except EngineError as error:
            yield {"stack": stack, "problem": str(error)}
            continue
        counts = Counter(change.operation for change in changes)
        yield {
            "stack": stack,
            "counts": dict(counts),
            "changes": [change.to_json() for change in changes],
        }


def _environment(catalog: Catalog, stack: str) -> str:
    parts = parse(catalog, stack)
    if parts.kind == "cell":
        return catalog.cells[parts.name].environment
    place = placements(catalog.tenants[parts.name], {})[0]
    return catalog.cells[place.cell].environment
