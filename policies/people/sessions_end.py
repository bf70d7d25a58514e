"""Sessions end: after eight hours at most, break-glass after one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.resource_types import PERMISSION_SET
from policies.rule import Rule, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

HOURS = {"break-glass": 1}
MOST = 8


@each(PERMISSION_SET, needed_in=("organization",))
def evaluate(duty: Resource, _: Stack) -> Iterator[str]:
    """Sets whose sessions last longer."""
    given = at(duty.inputs, "sessionDuration")
    found = re.fullmatch(r"PT(\d+)H", str(given))
    most = HOURS.get(str(at(duty.inputs, "name")), MOST)
    if given is not UNKNOWN and (found is None or int(found[1]) > most):
        yield f"sessionDuration is {shown(given)}, not {most} h or less"


RULE = Rule(
    __name__,
    severity="medium",
    why="A session outlives the laptop's lock and its owner's employment.",
    remedy="Set sessionDuration.",
    evaluate=evaluate,
)
