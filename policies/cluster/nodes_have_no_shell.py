"""No node has SSH or a shell to log in to."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from policies.resource_types import LAUNCH_TEMPLATE, NODE_GROUP
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(LAUNCH_TEMPLATE, NODE_GROUP, needed_in=("cell",))
def evaluate(resource: Resource, _: Stack) -> Iterator[str]:
    """Ways to log in."""
    if resource.type == NODE_GROUP:
        if access := at(resource.inputs, "remoteAccess"):
            yield f"remoteAccess is {shown(access)}"
        return
    if key := at(resource.inputs, "keyName"):
        yield f"keyName is {shown(key)}"
    data = at(resource.inputs, "userData")
    if data is UNKNOWN:
        return
    settings = base64.b64decode(str(data or "")).decode(errors="replace")
    for container in ("admin", "control"):
        if f"[settings.host-containers.{container}]\nenabled = false" not in settings:
            yield f"userData leaves the {container} container on"


RULE = Rule(
    __name__,
    severity="high",
    why="Whoever logs in to a node reads the secrets of every pod on it.",
    remedy="Leave keyName and remoteAccess out, and switch Bottlerocket's admin and control "
    "containers off.",
    evaluate=evaluate,
)
