"""Applies a program to a local cloud, as a rehearsal does for one stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.apply import LocalCloudAnswers, apply_program
from rehearsal.state import StackState

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.local_cloud import LocalCloud
    from rehearsal.outcome import Outcome


def apply(
    cloud: LocalCloud,
    stack: str,
    program: Callable[[], dict[str, Any]] | None,
    *,
    generation: str,
) -> Outcome:
    """Apply the program, or tear the stack down where there is none.

    `generation` is that of the AWS cloud which it is applied to.
    """
    return apply_program(
        program,
        LocalCloudAnswers(
            stack=stack,
            state=StackState.open(cloud.stack_state(stack), cloud.secrets),
            cloud_for=cloud.for_provider,
            generation=generation,
            outputs_of=lambda _: None,
            observe=lambda _: None,
        ),
    )
