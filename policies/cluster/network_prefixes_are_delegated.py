"""The network plugin delegates prefixes."""

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
        given = at(parsed(text), "env.ENABLE_PREFIX_DELEGATION")
        if given != "true":
            yield f"configurationValues: env.ENABLE_PREFIX_DELEGATION is {shown(given)}"


RULE = Rule(
    __name__,
    severity="low",
    why="Otherwise a node holds as many pods as it has addresses, far fewer than its size allows.",
    remedy="Configure vpc-cni with ENABLE_PREFIX_DELEGATION.",
    evaluate=evaluate,
)
