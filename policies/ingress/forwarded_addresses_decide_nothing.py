"""X-Forwarded-For decides nothing: addresses are those of the connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BALANCER, FIREWALL
from policies.rule import Rule, differences, each
from policies.stack import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource


@each(BALANCER, FIREWALL, needed_in=("tenant",))
def evaluate(resource: Resource, _: Stack) -> Iterator[str]:
    """What believes the header."""
    if resource.type == BALANCER:
        yield from differences(
            resource, {"xffHeaderProcessingMode": "append", "dropInvalidHeaderFields": True}
        )
    elif not at(resource.inputs, "rules"):
        yield "rules is not set"
    elif "orwardedIpConfig" in repr(resource.inputs):
        yield "rules looks at forwarded addresses"


RULE = Rule(
    __name__,
    severity="high",
    why="Anybody writes into that header what he likes.",
    remedy="Set xffHeaderProcessingMode to append, drop invalid headers, and use no "
    "forwarded IP in WAF.",
    evaluate=evaluate,
)
