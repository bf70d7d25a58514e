"""Reads back what is stored of moves: the request, and each step's record, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbos import error as dbos_error

from database_moves.state import (
    MoveState,
    Phase,
    Request,
    Sample,
    StepRecord,
    SwapRecord,
    VerificationRecord,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbos import DBOSClient

PHASES: dict[str, Phase] = {
    "prepare": "schema",
    "schema": "copy",
    "copy": "indexes",
    "indexes": "indexes",
    "constraints": "follow",
    "follow": "verify",
    "verify": "ready",
}
"""The phase that begins when a step of the move ends."""


def moves(client: DBOSClient) -> list[str]:
    """The names of all moves, the latest first."""
    found = client.list_workflows(name="database_move", load_output=False, sort_desc=True)
    return [workflow.workflow_id for workflow in found]


def request(client: DBOSClient, move: str) -> Request | None:
    """What was asked for when a move began, or None where there is no such move."""
    found = client.list_workflows(workflow_ids=[move], load_output=False)
    return Request.model_validate(found[0].input["args"][0]) if found and found[0].input else None


def load(client: DBOSClient, move: str) -> MoveState | None:
    """The state of a move, or None where there is no such move."""
    asked = request(client, move)
    if asked is None:
        return None
    phase: Phase = "schema"
    steps: list[StepRecord] = []
    swaps: list[SwapRecord] = []
    verification = None
    running = None
    for workflow in client.list_workflows(workflow_id_prefix=move, load_output=False):
        kind, _, _ = workflow.workflow_id.removeprefix(move).removeprefix(".").partition(".")
        if workflow.workflow_id != move and not workflow.workflow_id.startswith(f"{move}."):
            continue
        if workflow.status in ("PENDING", "ENQUEUED"):
            running = workflow.workflow_id
        for name, output in _outputs(client, workflow.workflow_id):
            if "record" in output:
                steps.append(StepRecord.model_validate(output["record"]))
            if "verification" in output:
                verification = VerificationRecord.model_validate(output["verification"])
            if "swap" in output:
                swaps.append(SwapRecord.model_validate(output["swap"]))
            phase = PHASES.get(name, phase) if kind == "" else phase
        if workflow.workflow_id == running and kind == "swap":
            phase = "cutover"
        if kind in ("finish", "abort") and workflow.status == "SUCCESS":
            phase = "finished" if kind == "finish" else "aborted"
    done = [swap for swap in swaps if swap.outcome == "done"]
    serving = done[-1].to if done else "source"
    if done and phase == "ready":
        phase = "soak" if serving == "target" else "rolled-back"
    return MoveState(
        request=asked,
        phase=phase,
        serving=serving,
        steps=tuple(steps),
        verification=verification,
        swaps=tuple(swaps),
        ended=steps[-1].ended if phase in ("finished", "aborted") and steps else None,
        running=running,
    )


def samples(client: DBOSClient, move: str) -> list[Sample]:
    """What the move measured while it ran, in order."""
    found: list[Sample] = []
    for workflow in client.list_workflows(workflow_id_prefix=move, load_output=False):
        if workflow.workflow_id == move or workflow.workflow_id.startswith(f"{move}."):
            found += map(Sample.model_validate, _stream(client, workflow.workflow_id))
    return sorted(found, key=lambda sample: sample.at)


def _outputs(client: DBOSClient, workflow: str) -> list[tuple[str, dict[str, Any]]]:
    steps = client.list_workflow_steps(workflow)
    return [
        (step["function_name"], step["output"])
        for step in steps
        if isinstance(step["output"], dict)
    ]


def _stream(client: DBOSClient, workflow: str) -> Iterator[dict[str, Any]]:
    try:
        yield from client.read_stream(workflow, "samples", timeout_seconds=0.01)
    except dbos_error.DBOSStreamTimeoutError:
        # A workflow that may still write keeps its stream open.
        return
