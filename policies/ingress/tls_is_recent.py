"""TLS 1.2 is the least and TLS 1.3 preferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import LISTENER
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

POLICIES = frozenset(
    {"ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"}
)
"""TLS 1.2 and 1.3, nothing older.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""


def is_encrypted(listener: Resource, _: Stack) -> bool:
    """Whether a listener speaks TLS."""
    return at(listener.inputs, "protocol") in ("HTTPS", "TLS")


@each(LISTENER, where=is_encrypted, needed_in=("tenant",))
def evaluate(listener: Resource, _: Stack) -> Iterator[str]:
    """Listeners that take older versions."""
    policy = at(listener.inputs, "sslPolicy")
    if policy is not UNKNOWN and policy not in POLICIES:
        yield f"sslPolicy is {shown(policy)}"


RULE = Rule(
    __name__,
    severity="high",
    why="Older versions can be read by who records the traffic.",
    remedy="Set sslPolicy to one of the ELBSecurityPolicy-TLS13-1-2 policies.",
    evaluate=evaluate,
)
