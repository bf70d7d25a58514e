"""Brings the stacks of a wave up: cells before tenants, several side by side, none after a failure.

Each stack is recorded when it has been brought up, with all that it depended on. A run that was
stopped, or killed, so finds what it had done, and goes on with the rest.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from delivery.engine import EngineError
from delivery.inputs import is_current
from delivery.moves import settle
from delivery.records import Attempt, Delivered
from delivery.ways import close_ways, open_ways

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.desk import Desk
    from delivery.lease import Held

POLL_SECONDS = 5.0


class StoppedError(Exception):
    """A delivery stopped on its way; what was done until then stays and is known.

    Attributes:
        problem: at what.
        remedy: how to go on.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}")


def bring_up(desk: Desk, stacks: Sequence[str], held: Held, *, wait: float) -> int:
    """Bring up those of the stacks that are not as the commit has them; how many that were.

    `wait` is how many seconds a stack waits for one that it refers to and that another job brings
    up.

    Raises:
        StoppedError: a stack failed, or the environment's lease was lost.
    """
    layers = [
        [stack for stack in stacks if not stack.startswith("tenant.")],
        [stack for stack in stacks if stack.startswith("tenant.")],
    ]
    began, done = time.monotonic(), 0
    failures: list[str] = []
    for layer in layers:
        with ThreadPoolExecutor(max_workers=max(1, desk.engine.at_once)) as pool:

            def one(stack: str) -> bool:
                if failures or held.lost:
                    return False
                try:
                    _wait_for_references(desk, stack, began + wait)
                    return _bring(desk, stack)
                except (EngineError, StoppedError) as error:
                    failures.append(stack)
                    problem = str(error)
                    desk.observer.stack_fails(stack, problem)
                    _note(desk, stack, "failed", problem)
                    return False

            done += sum(pool.map(one, layer))
        if failures or held.lost:
            break
    if failures:
        named = ", ".join(failures)
        raise StoppedError(
            f"stopped at {named}",
            "mend what it says and run the same command again: it goes on from there. If the "
            "commit itself is at fault, merge another one and deliver that",
        )
    if held.lost:
        raise StoppedError(
            "the environment's lease was lost, so nothing more was begun",
            "see `patchworks deliver status`, and run the same command again",
        )
    return done


def _bring(desk: Desk, stack: str) -> bool:
    delivered = desk.delivered()
    digest = desk.inputs.digest(stack)
    if is_current(stack, desk.inputs, delivered, digest):
        _note(desk, stack, "unchanged")
        return False
    read = {other: delivered[other].exports for other in desk.inputs.references(stack)}
    desk.observer.stack_begins(stack)
    began = time.monotonic()
    kind, _, name = stack.partition(".")
    if kind == "tenant":
        open_ways(desk, name)
    brought = desk.engine.up(stack)
    seconds = round(time.monotonic() - began, 3)
    if kind == "tenant":
        close_ways(desk, name)
        settle(desk, name)
    new = Delivered(
        stack=stack,
        commit=desk.commit,
        inputs=digest,
        read=read,
        exports=brought.exports,
        seconds=seconds,
        changes=brought.changes,
        at=datetime.now(UTC),
    )
    desk.records.change(Delivered, "stacks", stack, lambda _: new)
    _note(desk, stack, "done")
    desk.observer.stack_ends(stack, seconds, brought.changes)
    return True


def _wait_for_references(desk: Desk, stack: str, deadline: float) -> None:
    """Wait until the stacks that a stack refers to are as the commit has them."""
    said = False
    while True:
        delivered = desk.delivered()
        behind = [
            other
            for other in desk.inputs.references(stack)
            if not is_current(other, desk.inputs, delivered)
        ]
        if not behind:
            return
        attempts = desk.attempts()
        failed = [
            other
            for other in behind
            if (tried := attempts.get(other)) is not None
            and tried.state == "failed"
            and tried.holder == desk.holder
        ]
        if failed:
            raise StoppedError(
                f"{stack} needs {', '.join(failed)}, which failed", "mend that first"
            )
        if time.monotonic() >= deadline:
            raise StoppedError(
                f"{stack} needs {', '.join(behind)} as this commit has it", "bring that up first"
            )
        if not said:
            desk.observer.says(f"{stack} waits for {', '.join(behind)}")
            said = True
        time.sleep(min(POLL_SECONDS, max(0.05, deadline - time.monotonic())))


def _note(desk: Desk, stack: str, state: str, problem: str = "") -> None:
    attempt = Attempt.model_validate(
        {
            "stack": stack,
            "state": state,
            "problem": problem[:2000],
            "holder": desk.holder,
            "at": datetime.now(UTC),
        }
    )
    desk.records.change(Attempt, desk.commit, f"stack#{stack}", lambda _: attempt)
