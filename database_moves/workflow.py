"""The workflows of a move, as DBOS runs them: durable, step by step, whatever dies in between.

Invariants. Tests explore every state of a swap on a model that the real protocol drives, kill real
movers once at every place there is, and account for every acknowledged write:

1. At any moment at most one of the two databases accepts writes of applications. The gates in the
   databases hold this, not the workflow: what a gate says is true also while no mover runs.
2. The side that serves has every write that was ever acknowledged.
3. A step that did not end well changed nothing that doing it again does not put right.
4. A slot exists only while the state says that a side follows: each way out (`finish`, `abort`)
   removes every slot, subscription and publication, and `status` shows those there are.
5. The old side is deleted by nobody but `finish`, and only when told to; else it lets nobody in.

The phases:

    schema → copy → indexes → follow → verify → ready → (cutover) → soak → (rollback) → rolled-back
    soak, rolled-back → finishing → finished
    any in which the source serves → aborting → aborted

`ready` and `rolled-back` mean that the source serves and the target follows, `soak` the other way
round. A cutover leads to `soak` and a rollback back, each as a workflow of its own that ends in the
phase it began in when it is undone. A slot that is lost before `ready` sends the move back to
`schema`; later it refuses the swap, and the move can only be ended. `admission` says which command
is taken in which phase; once an end was begun, only the same command goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves import durable
from database_moves.steps import copying, ending, following, preparing, swapping

if TYPE_CHECKING:
    from database_moves.durable import Output


@durable.workflow("database_move")
def move(request: Output) -> Output:
    """Bring the target so far that it follows the source, verified."""
    name = request["move"]
    preparing.prepare(name)
    while True:
        preparing.schema(name)
        copying.copy(name)
        copying.indexes(name)
        copying.constraints(name)
        if following.follow(name).get("lost"):
            continue
        verified = following.verify_follower(name)
        if not verified.get("lost"):
            return verified


@durable.workflow("database_swap")
def swap(request: Output) -> Output:
    """Let the other side serve; an aborted attempt is an outcome, not an error."""
    name, to = request["move"], request["to"]
    ready = swapping.prepare(name, to)
    if "refused" in ready:
        return ready
    swapped = swapping.pause(name, to, request["number"])
    if swapped["swap"]["outcome"] == "aborted":
        swapping.withdraw(name, to)
    else:
        swapping.complete(name, to)
    return swapped


@durable.workflow("database_finish")
def finish(request: Output) -> Output:
    """Remove all that the move made; the old database only when told."""
    return ending.finish(
        request["move"],
        request["serving"],
        request["dump"],
        request["drop"],
        request.get("without"),
    )


@durable.workflow("database_abort")
def abort(request: Output) -> Output:
    """Give the move up: the source serves, the target is as it was before."""
    return ending.abort(request["move"], request.get("without"))
