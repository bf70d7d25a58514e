"""The two DBOS queues of tenants' moves: one limits what leaves a server, one what comes to it.

A tenant waits in the first, holds a place of its source from then on, and waits in the second for
one of its target. Both are partitioned by server. Nobody who holds a place of a target waits for
anything, so no two can wait for each other. Pausing lets nothing out of the first.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from database_moves import durable
from database_moves.durable import Application, StoreError
from tenant_moves.fleet.orders import Limits, Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dbos import DBOSClient

LEAVING = "tenants-leaving"
ARRIVING = "tenants-arriving"

APPLICATION = Application("patchworks-fleet", "fleet-1", (LEAVING, ARRIVING))
"""The version is that of the stored forms: workers of another one leave these tenants alone."""

POLL_SECONDS = 0.5
"""How often a worker looks for the next tenant."""

PREFIX = "fleet."
_ARRIVES = ".arrives"


def shared_url() -> str:
    """Where the queue is kept; raises `StoreError` without a PostgreSQL that workers share."""
    if not os.environ.get(durable.URL_VARIABLE):
        raise StoreError(
            f"the queue of moves needs a PostgreSQL database, and {durable.URL_VARIABLE} is not "
            "set",
            remedy="make an empty database that every worker reaches, and set "
            f"{durable.URL_VARIABLE}=postgresql://user:password@host:port/database",
        )
    return durable.store_url()


@contextlib.contextmanager
def opened(url: str) -> Iterator[DBOSClient]:
    """The queue, for commands that ask or tell."""
    with durable.reading(url, APPLICATION) as client:
        register(client, None)
        yield client


def register(client: DBOSClient, limits: Limits | None) -> None:
    """Make the queues where they are missing; with `limits`, set those."""
    wanted = limits or Limits()
    conflict: Any = "never_update" if limits is None else "always_update"
    paused = limits is not None and is_paused(client)
    client.register_queue(
        LEAVING,
        partition_concurrency=wanted.per_source,
        worker_concurrency=0 if paused else None,
        polling_interval_sec=POLL_SECONDS,
        on_conflict=conflict,
    )
    client.register_queue(
        ARRIVING,
        partition_concurrency=wanted.per_target,
        worker_concurrency=wanted.per_worker,
        polling_interval_sec=POLL_SECONDS,
        on_conflict=conflict,
    )


def limits(client: DBOSClient) -> Limits:
    """How many tenants move at once."""
    leaving, arriving = client.retrieve_queue(LEAVING), client.retrieve_queue(ARRIVING)
    assert leaving is not None
    assert arriving is not None
    return Limits(
        per_source=leaving.partition_concurrency or 1,
        per_target=arriving.partition_concurrency or 1,
        per_worker=arriving.worker_concurrency or 1,
    )


def is_paused(client: DBOSClient) -> bool:
    """Whether no tenant begins for now."""
    queue = client.retrieve_queue(LEAVING)
    return queue is not None and queue.worker_concurrency == 0


def pause(client: DBOSClient, paused: bool) -> None:
    """Let no further tenant begin, or let them again."""
    queue = client.retrieve_queue(LEAVING)
    assert queue is not None
    queue.set_worker_concurrency(0 if paused else None)


def put(client: DBOSClient, orders: Sequence[Order]) -> None:
    """Put tenants into the queue, each as a new entry."""
    for order in orders:
        client.enqueue(
            {
                "workflow_name": "tenant_leaves",
                "queue_name": LEAVING,
                "workflow_id": _next(client, order.tenant),
                "app_version": APPLICATION.version,
                "priority": order.priority,
                "queue_partition_key": order.leaves,
                "attributes": {},
            },
            order.model_dump(mode="json"),
        )


def arrival(entry: str) -> str:
    """The workflow of an entry that waits for a place of the target and then moves the tenant."""
    return f"{entry}{_ARRIVES}"


def entry_of(workflow: str) -> str:
    """The entry that a workflow belongs to."""
    return workflow.removesuffix(_ARRIVES)


def cancel(client: DBOSClient, entry: str, held: str) -> None:
    """Take an entry out of the queue; a worker that drives it stops where that is safe.

    `held` is `paused` for one that may be put back, or `cancelled`.
    """
    client.update_workflow_attributes(entry, {"held": held}, merge=True)
    found = {workflow.workflow_id for workflow in client.list_workflows(workflow_id_prefix=entry)}
    # The outer one first: it would begin the inner one otherwise.
    for workflow in (entry, arrival(entry)):
        if workflow in found:
            client.cancel_workflow(workflow)


def put_back(client: DBOSClient, entry: str) -> None:
    """Let a paused entry wait again, at its old place."""
    client.update_workflow_attributes(entry, {"held": None}, merge=True)
    found = {workflow.workflow_id for workflow in client.list_workflows(workflow_id_prefix=entry)}
    if arrival(entry) in found:
        client.resume_workflow(arrival(entry), queue_name=ARRIVING)
    client.resume_workflow(entry, queue_name=LEAVING)


def _next(client: DBOSClient, tenant: str) -> str:
    prefix = f"{PREFIX}{tenant}."
    known = client.list_workflows(workflow_id_prefix=prefix, load_input=False, load_output=False)
    numbers = [int(entry_of(w.workflow_id).removeprefix(prefix)) for w in known]
    return f"{prefix}{max(numbers, default=0) + 1}"
