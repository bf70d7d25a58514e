"""HTTP is redirected to HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import LISTENER
from policies.rule import Rule, each
from policies.stack import at, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


def is_plain(listener: Resource, _: Stack) -> bool:
    """Whether a listener speaks HTTP."""
    return bool(at(listener.inputs, "protocol") == "HTTP")


@each(LISTENER, where=is_plain, needed_in=("tenant",))
def evaluate(listener: Resource, _: Stack) -> Iterator[str]:
    """Listeners that answer in plain."""
    actions = listed(at(listener.inputs, "defaultActions"))
    for action in actions or [None]:
        if at(action, "type") != "redirect" or at(action, "redirect.protocol") != "HTTPS":
            yield f"defaultActions is {shown(actions)}"


RULE = Rule(
    __name__,
    severity="high",
    why="A session's cookie in plain is anybody's.",
    remedy="Give every HTTP listener one default action, a redirect to HTTPS.",
    evaluate=evaluate,
)
