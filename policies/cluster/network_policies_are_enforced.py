"""The network plugin enforces network policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import ADDON
from policies.rule import Rule, each
from policies.stack import at, parsed, shown
from policies.workloads import is_network_plugin
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(ADDON, where=is_network_plugin, needed_in=("cell",))
def evaluate(addon: Resource, _: Stack) -> Iterator[str]:
    """Values that the add-on is configured with."""
    text = at(addon.inputs, "configurationValues")
    if text is not UNKNOWN:
        given = at(parsed(text), "enableNetworkPolicy")
        if given != "true":
            yield f"configurationValues: enableNetworkPolicy is {shown(given)}"


RULE = Rule(
    __name__,
    severity="high",
    why="Without it every network policy is accepted and none has an effect.",
    remedy="Configure vpc-cni with enableNetworkPolicy.",
    evaluate=evaluate,
)
