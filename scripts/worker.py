"""`patchworks worker`: moves the tenants that are in the queue, together with other workers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.catalog_options import CatalogOption, load_catalog
from scripts.exits import ExitCode
from scripts.state_option import StateOption
from scripts.tenant_moving import platform_of

if TYPE_CHECKING:
    from database_moves.progress import Step
    from tenant_moves.fleet.orders import Ended, Order

app = typer.Typer(add_completion=False)


@app.command()
def worker(
    until_empty: Annotated[
        bool,
        typer.Option("--until-empty", help="End when nothing is queued and nothing moves."),
    ] = False,
    catalog: CatalogOption = None,
    state: StateOption = None,
) -> None:
    """Move the tenants that `patchworks moves enqueue` queued, until told to stop.

    Any number of workers on any number of machines share the queue in PATCHWORKS_DATABASE_URL. What
    a worker that died had in hand, another one takes up where it was. Ctrl-C ends the steps under
    way where that is safe, and leaves the rest to others; twice ends at once.
    """
    from database_moves.errors import MoveError
    from scripts.database_running import stopping
    from tenant_moves.fleet import queues
    from tenant_moves.fleet.worker import Worker

    try:
        url = queues.shared_url()
    except MoveError as error:
        typer.echo(f"patchworks: {error}", err=True)
        raise typer.Exit(ExitCode.USAGE) from None
    # Every fault of the catalog before any tenant is taken.
    load_catalog(catalog)
    told = _Telling()
    running = Worker(
        url=url,
        opening=partial(platform_of, catalog, state),
        preloaded=("tenant_moves.local", "scripts.tenant_moving", "rehearsal.preloaded"),
        observer=told,
    )
    told.say(f"worker {running.name} begins")
    then = "tenants in hand are left where that is safe, and any worker goes on with them"
    with stopping(running.stopping, then):
        emptied = running.run(until_empty=until_empty)
    told.say(f"worker {running.name} ends: {told.summary()}")
    if not emptied:
        raise typer.Exit(ExitCode.INTERRUPTED)


class _Telling:
    """A line for each thing that happens, from any thread."""

    def __init__(self) -> None:
        self._one = threading.Lock()
        self._steps: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def say(self, text: str) -> None:
        """Print a line with the time."""
        with self._one:
            typer.echo(f"{datetime.now(UTC):%H:%M:%S} {text}")

    def summary(self) -> str:
        """How many tenants ended how."""
        counts = ", ".join(f"{number} {how}" for how, number in self._counts.items())
        return counts or "no tenant was in hand"

    def begins(self, order: Order) -> None:
        """See `worker.Observer`."""
        self.say(f"{order.tenant}: {order.source} to {order.target}")

    def steps(self, order: Order, step: Step) -> None:
        """See `worker.Observer`."""
        if self._steps.get(order.tenant) != step.name:
            self._steps[order.tenant] = step.name
            self.say(f"{order.tenant}: {step.name}")

    def ends(self, order: Order, ended: Ended) -> None:
        """See `worker.Observer`."""
        self._count(ended.outcome)
        self.say(f"{order.tenant}: {ended.outcome}: {ended.text}")

    def leaves(self, order: Order) -> None:
        """See `worker.Observer`."""
        self._count("left")
        self.say(f"{order.tenant}: left where it is; it is served, and can be gone on with")

    def takes_over(self, worker: str, tenants: list[str]) -> None:
        """See `worker.Observer`."""
        self.say(f"worker {worker} is gone; queued again: {', '.join(tenants)}")

    def _count(self, how: str) -> None:
        with self._one:
            self._counts[how] = self._counts.get(how, 0) + 1
