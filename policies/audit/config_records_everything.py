"""Config records everything in every account and region in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, Verdict, expects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

RECORDER = "aws:cfg/recorder:Recorder"
STATUS = "aws:cfg/recorderStatus:RecorderStatus"
RECORDERS = expects(RECORDER, {"recordingGroup.allSupported": True}, needed_in=("organization",))
STATUSES = expects(STATUS, {"isEnabled": True}, needed_in=("organization",))


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Recorders of less, and such as are off."""
    yield from RECORDERS(stack)
    yield from STATUSES(stack)
    if len(stack.of_type(STATUS)) < len(stack.of_type(RECORDER)):
        yield Verdict(None, "not every recorder is switched on")


RULE = Rule(
    __name__,
    severity="medium",
    why="What a resource was like before it was changed is known from nowhere else.",
    remedy="Set recordingGroup.allSupported and declare a recorder status that is enabled.",
    evaluate=evaluate,
)
