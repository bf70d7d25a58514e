"""Reads back what is stored of moves: the request, and each step's record, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbos import error as dbos_error

from database_moves.state import (
    FAILURES,
    SAMPLES,
    Failure,
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

    from dbos import DBOSClient, WorkflowStatus

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

ENDS: dict[str, tuple[Phase, Phase]] = {
    "finish": ("finishing", "finished"),
    "abort": ("aborting", "aborted"),
}
"""The phase of a move while a workflow of this kind is not done, and when it is."""


def moves(client: DBOSClient) -> list[str]:
    """The names of all moves, the latest first."""
    found = client.list_workflows(name="database_move", load_output=False, sort_desc=True)
    return [workflow.workflow_id for workflow in found]


def request(client: DBOSClient, move: str) -> Request | None:
    """What was asked for when a move began, or None where there is no such move."""
    found = client.list_workflows(workflow_ids=[move], load_output=False)
    return Request.model_validate(_input(found[0])) if found and found[0].input else None


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
    failures: list[Failure] = []
    for workflow in workflows(client, move):
        kind, _, _ = workflow.workflow_id.removeprefix(move).removeprefix(".").partition(".")
        failed = _stream(client, workflow.workflow_id, FAILURES, 0)
        failures += map(Failure.model_validate, failed)
        if workflow.status in ("PENDING", "ENQUEUED"):
            running = workflow.workflow_id
        for name, output in _outputs(client, workflow.workflow_id):
            if "record" in output:
                steps.append(StepRecord.model_validate(output["record"]))
            if "verification" in output:
                verification = VerificationRecord.model_validate(output["verification"])
            if "swap" in output:
                swaps.append(SwapRecord.model_validate(output["swap"]))
            if kind == "":
                phase = "schema" if output.get("lost") else PHASES.get(name, phase)
        if workflow.workflow_id == running and kind == "swap":
            phase = "cutover" if _input(workflow)["to"] == "target" else "rollback"
        if kind in ENDS:
            phase = ENDS[kind][workflow.status == "SUCCESS"]
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
        error=_error(failures, steps),
        running=running,
    )


def samples(client: DBOSClient, move: str) -> list[Sample]:
    """What the move measured while it ran, in order."""
    return Samples(client, move).read()


class Samples:
    """The samples of a move, of which each look reads those that are new."""

    def __init__(self, client: DBOSClient, move: str) -> None:
        self._client = client
        self._move = move
        self._read: dict[str, int] = {}
        self._known: list[Sample] = []

    def read(self) -> list[Sample]:
        """All samples so far, in order."""
        for workflow in workflows(self._client, self._move):
            name = workflow.workflow_id
            found = list(_stream(self._client, name, SAMPLES, self._read.get(name, 0)))
            self._read[name] = self._read.get(name, 0) + len(found)
            self._known += map(Sample.model_validate, found)
        self._known.sort(key=lambda sample: sample.at)
        return self._known


def workflows(client: DBOSClient, move: str) -> list[WorkflowStatus]:
    """The workflows of a move: itself, its swaps and its end, in the order they began."""
    found = client.list_workflows(workflow_id_prefix=move, load_output=False)
    return [w for w in found if w.workflow_id == move or w.workflow_id.startswith(f"{move}.")]


def begun(client: DBOSClient, move: str, kind: str) -> list[dict[str, Any]]:
    """What was asked of the move's workflows of a kind (`swap`, `finish`, `abort`), in order."""
    prefix = f"{move}.{kind}."
    return [_input(w) for w in workflows(client, move) if w.workflow_id.startswith(prefix)]


def pending(client: DBOSClient, move: str) -> list[str]:
    """The workflows of a move that have not ended."""
    return [w.workflow_id for w in workflows(client, move) if w.status in ("PENDING", "ENQUEUED")]


def _input(workflow: WorkflowStatus) -> dict[str, Any]:
    assert workflow.input is not None
    asked: dict[str, Any] = workflow.input["args"][0]
    return asked


def _outputs(client: DBOSClient, workflow: str) -> list[tuple[str, dict[str, Any]]]:
    steps = client.list_workflow_steps(workflow)
    return [
        (step["function_name"], step["output"])
        for step in steps
        if isinstance(step["output"], dict)
    ]


def _error(failures: list[Failure], steps: list[StepRecord]) -> str | None:
    """The last failure, unless a step has ended well since."""
    last = max(failures, key=lambda failure: failure.at, default=None)
    if last is None or any(step.ended > last.at for step in steps):
        return None
    return f"{last.step}: {last.text}"


def _stream(client: DBOSClient, workflow: str, key: str, offset: int) -> Iterator[dict[str, Any]]:
    try:
        yield from client.read_stream(workflow, key, offset=offset, timeout_seconds=0.01)
    except dbos_error.DBOSStreamTimeoutError:
        # A workflow that may still write keeps its stream open.
        return
