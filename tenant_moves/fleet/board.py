"""The board: every tenant that was put into the queue, where it is, and who works."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tenant_moves.fleet import liveness, queues
from tenant_moves.fleet.orders import Ended, Limits, Order, Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbos import DBOSClient, WorkflowStatus

State = Literal[
    "queued", "waiting", "moving", "paused", "cancelled", "moved", "refused", "aborted", "failed"
]

OPEN: tuple[State, ...] = ("queued", "waiting", "moving")
"""What a worker takes up, or has in hand."""
BAD: tuple[State, ...] = ("refused", "aborted", "failed")


class Entry(Stored):
    """A tenant on the board: what was asked last, and how it stands."""

    entry: str
    order: Order
    state: State
    put: datetime
    began: datetime | None = None
    """When a worker took it last."""
    ended: datetime | None = None
    worker: str | None = None
    step: str | None = None
    done: float = 0.0
    total: float | None = None
    detail: str = ""
    taken: int = Field(0, description="How often a worker has taken it.")
    result: Ended | None = None


class Board(Stored):
    """The whole queue."""

    paused: bool
    limits: Limits
    workers: tuple[str, ...]
    entries: tuple[Entry, ...]
    """What moves first, then who did not arrive, then what is queued in its order, then the rest by
    when it ended."""

    def count(self) -> dict[State, int]:
        """How many tenants are in each state."""
        return dict(Counter(entry.state for entry in self.entries))

    @property
    def open(self) -> bool:
        """Whether anything is left for workers."""
        return any(entry.state in OPEN for entry in self.entries)


def read(client: DBOSClient, url: str) -> Board:
    """Look at the queue; of each tenant the latest entry counts."""
    found = client.list_workflows(name=["tenant_leaves", "tenant_arrives"])
    by_id = {workflow.workflow_id: workflow for workflow in found}
    latest: dict[str, tuple[int, str]] = {}
    for name in by_id:
        if name == queues.entry_of(name):
            tenant, _, number = name.removeprefix(queues.PREFIX).rpartition(".")
            latest[tenant] = max(latest.get(tenant, (0, "")), (int(number), name))
    entries = [_entry(by_id[name], by_id.get(queues.arrival(name))) for _, name in latest.values()]
    return Board(
        paused=queues.is_paused(client),
        limits=queues.limits(client),
        workers=tuple(liveness.workers(url)),
        entries=tuple(sorted(entries, key=_place)),
    )


def of_tenants(board: Board, tenants: Sequence[str]) -> dict[str, Entry]:
    """The entries of tenants, of all where none is named; those that have none are missing."""
    return {
        entry.order.tenant: entry
        for entry in board.entries
        if not tenants or entry.order.tenant in tenants
    }


def _entry(outer: WorkflowStatus, inner: WorkflowStatus | None) -> Entry:
    assert outer.input is not None
    known: dict[str, Any] = (inner.attributes or {}) if inner is not None else {}
    moving = inner is not None and inner.status == "PENDING"
    result = _result(outer, inner)
    return Entry(
        entry=outer.workflow_id,
        order=Order.model_validate(outer.input["args"][0]),
        state=_state(outer, inner, result),
        put=_at(outer.created_at) or datetime.now(UTC),
        began=_at(inner.dequeued_at) if inner is not None else None,
        ended=_at((inner or outer).completed_at),
        worker=inner.executor_id if inner is not None and (moving or result) else None,
        step=known.get("step") if moving else None,
        done=known.get("done") or 0.0,
        total=known.get("total"),
        detail=known.get("detail") or "",
        taken=(inner.recovery_attempts or 0) if inner is not None else 0,
        result=result,
    )


def _result(outer: WorkflowStatus, inner: WorkflowStatus | None) -> Ended | None:
    for workflow in (inner, outer):
        if workflow is not None and workflow.status == "SUCCESS":
            return Ended.model_validate(workflow.output)
        if workflow is not None and workflow.status == "ERROR":
            text = f"the queue's own workflow failed: {workflow.error}"
            return Ended(outcome="failed", exit=1, text=text)
    return None


def _state(outer: WorkflowStatus, inner: WorkflowStatus | None, result: Ended | None) -> State:
    if result is not None:
        return result.outcome
    if outer.status == "CANCELLED":
        return "paused" if (outer.attributes or {}).get("held") == "paused" else "cancelled"
    if inner is None:
        return "queued"
    return "moving" if inner.status == "PENDING" else "waiting"


def _place(entry: Entry) -> tuple[int, float, int, str]:
    order: tuple[State, ...] = ("moving", "waiting", *BAD, "queued", "paused")
    place = order.index(entry.state) if entry.state in order else len(order)
    at = -entry.ended.timestamp() if entry.ended is not None else 0.0
    return place, at if place == len(order) else 0.0, entry.order.priority, entry.order.tenant


def _at(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
