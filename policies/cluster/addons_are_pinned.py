"""Every add-on is pinned to a build."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.resource_types import ADDON
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(ADDON, needed_in=("cell",))
def evaluate(addon: Resource, _: Stack) -> Iterator[str]:
    """Versions that leave the build open."""
    version = at(addon.inputs, "addonVersion")
    if version is not UNKNOWN and not re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", str(version)):
        yield f"addonVersion is {shown(version)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="Two cells made on different days would otherwise run different builds.",
    remedy="Set addonVersion to a full build, such as v1.20.4-eksbuild.1.",
    evaluate=evaluate,
)
