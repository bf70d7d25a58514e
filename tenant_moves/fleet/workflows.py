"""The workflows of the queue: a tenant leaves, waits for its place at the target, and is driven."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from database_moves import durable
from database_moves.context import StoppedError
from tenant_moves.fleet import queues
from tenant_moves.fleet.orders import Ended, Order

if TYPE_CHECKING:
    from dbos import WorkflowHandle

    from database_moves.durable import Output

POLL_SECONDS = 0.5


class Driving(Protocol):
    """The worker of this process."""

    def stopped(self) -> bool:
        """Whether it is to end."""

    def drive(self, entry: str, order: Order) -> Ended:
        """Move a tenant; raises `StoppedError` where another worker is to go on."""


_worker: list[Driving] = []


def work_for(worker: Driving) -> None:
    """Say who drives the tenants that this process takes from the queue."""
    _worker[:] = [worker]


@durable.workflow("tenant_leaves")
def leaves(request: Output) -> Output:
    """Hold a place of the source until the tenant is moved."""
    order = Order.model_validate(request)
    entry = DBOS.workflow_id
    assert entry is not None
    with (
        SetWorkflowID(queues.arrival(entry)),
        SetEnqueueOptions(priority=order.priority, queue_partition_key=order.arrives),
    ):
        DBOS.enqueue_workflow(queues.ARRIVING, arrives, request)
    return wait(queues.arrival(entry))


@durable.workflow("tenant_arrives")
def arrives(request: Output) -> Output:
    """Hold a place of the target, and move the tenant."""
    workflow = DBOS.workflow_id
    assert workflow is not None
    return drive(queues.entry_of(workflow), request)


@durable.step("wait")
def wait(workflow: str) -> Output:
    """What became of the tenant, whichever worker moves it."""
    handle: WorkflowHandle[Output] = DBOS.retrieve_workflow(workflow)
    while (status := handle.get_status().status) not in ("SUCCESS", "ERROR"):
        if _worker[0].stopped() or status == "CANCELLED":
            raise StoppedError
        time.sleep(POLL_SECONDS)
    return handle.get_result()


@durable.step("drive")
def drive(entry: str, request: Output) -> Output:
    """Move the tenant; again goes on."""
    return _worker[0].drive(entry, Order.model_validate(request)).model_dump(mode="json")
