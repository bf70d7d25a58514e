"""`patchworks moves`: the queue of tenants' moves, which workers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from scripts.asking import YesOption, ask
from scripts.catalog_options import CatalogOption, JsonOption, pick, print_json
from scripts.database_options import CancelOption, MaxPauseOption
from scripts.exits import ExitCode
from scripts.state_option import StateOption
from scripts.tables import print_table
from scripts.tenant_moving import JobsOption, options_of, platform_of
from scripts.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dbos import DBOSClient

    from tenant_moves.fleet.board import Entry
    from tenant_moves.fleet.gathering import Gathered

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Move many tenants: put them into a queue, watch it, pause it. PATCHWORKS_DATABASE_URL "
    "says where it is kept: a PostgreSQL database that all workers reach.",
)

SomeArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[TENANT]...", help="Only these tenants.")
]


@app.command()
def enqueue(
    tenants: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TENANT]...",
            help="Tenants to move; by default all whose declared placement does not serve them.",
        ),
    ] = None,
    order: Annotated[
        Literal["tier", "smallest", "largest", "name"],
        typer.Option(
            help="Who goes first: trials before enterprises, by the size of the database, or by "
            "name."
        ),
    ] = "tier",
    priority: Annotated[
        int,
        typer.Option(
            min=1, max=1000, help="These go before everything queued with a higher number."
        ),
    ] = 100,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish",
            help="End each move as soon as everything agrees: no way back, and the old database "
            "is dropped.",
        ),
    ] = False,
    per_source: Annotated[
        int | None, typer.Option(min=1, max=100, help="Tenants that leave one server at a time.")
    ] = None,
    per_target: Annotated[
        int | None, typer.Option(min=1, max=100, help="Tenants that come to one server at a time.")
    ] = None,
    per_worker: Annotated[
        int | None, typer.Option(min=1, max=100, help="Tenants that one worker moves at a time.")
    ] = None,
    max_pause: MaxPauseOption = None,
    cancel_blockers: CancelOption = None,
    jobs: JobsOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show who would be queued, and queue nobody.")
    ] = False,
    yes: YesOption = False,
    catalog: CatalogOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put tenants into the queue of moves; `patchworks worker` takes them from there.

    Limits hold for all workers together, until they are set again. Exit code 3 means that a tenant
    can't be moved; nobody is queued then.
    """
    from tenant_moves.fleet import board, gathering, queues

    url = _url()
    options = options_of(jobs=jobs, max_pause=max_pause, cancel_blockers=cancel_blockers)
    platform = platform_of(catalog, state)
    for tenant in tenants or ():
        pick(platform.catalog.tenants, tenant, "tenant")
    with queues.opened(url) as client:
        known = board.of_tenants(board.read(client, url), tenants or ())
        found = _looked(
            lambda: gathering.gather(
                platform,
                tenants or (),
                known,
                options,
                rank=order,
                priority=priority,
                finish=finish,
            )
        )
        if not as_json:
            _print_gathered(found)
        if found.refused:
            _refuse(found, as_json)
        if found.orders and not dry_run:
            if not yes:
                ask(f"Queue {counted(len(found.orders), 'tenant')}?")
            wanted = queues.limits(client)
            given = {"per_source": per_source, "per_target": per_target, "per_worker": per_worker}
            changes = {name: value for name, value in given.items() if value is not None}
            if changes:
                queues.register(client, wanted.model_copy(update=changes))
            queues.put(client, found.orders)
    if as_json:
        document = {"exit": int(ExitCode.DONE), "queued": [] if dry_run else _orders(found)}
        print_json(document | {"would_queue": _orders(found) if dry_run else []} | _rest(found))
    elif found.orders and not dry_run:
        typer.echo(
            f"queued {counted(len(found.orders), 'tenant')}; `patchworks worker` moves them, "
            "`patchworks moves status --watch` shows how far they are"
        )
    elif not found.orders:
        typer.echo("nobody is to be queued")


@app.command()
def status(
    tenants: SomeArgument = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Go on showing it until nothing is left; exit code 1 where a tenant did not "
            "arrive.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the queue: who moves, who waits, and what became of the others."""
    from scripts.moves_board import show

    show(_url(), tenants or (), watch=watch, as_json=as_json)


@app.command()
def pause(tenants: SomeArgument = None) -> None:
    """Let nobody begin, or stop some tenants where that is safe and keep them out for now.

    Without names, tenants that move go on to their end. A tenant that is named and moves is left
    where it is, and is served all the while; `resume` goes on from there.
    """
    from tenant_moves.fleet import queues

    def all_of_them(client: DBOSClient) -> str:
        queues.pause(client, paused=True)
        return "the queue is paused: those that move go on, and nobody begins"

    def one(client: DBOSClient, entry: Entry) -> str | None:
        if entry.state not in ("queued", "waiting", "moving"):
            return None
        queues.cancel(client, entry.entry, "paused")
        return "is paused"

    _each(tenants, all_of_them, one)


@app.command()
def resume(tenants: SomeArgument = None) -> None:
    """Let tenants begin again, or put paused ones back at their places."""
    from tenant_moves.fleet import queues

    def all_of_them(client: DBOSClient) -> str:
        queues.pause(client, paused=False)
        return "the queue goes on"

    def one(client: DBOSClient, entry: Entry) -> str | None:
        if entry.state != "paused":
            return None
        queues.put_back(client, entry.entry)
        return "is queued again"

    _each(tenants, all_of_them, one)


@app.command()
def cancel(
    tenants: SomeArgument = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Everybody who is queued, waits, moves or is paused.")
    ] = False,
) -> None:
    """Take tenants out of the queue; those that move stop where that is safe.

    A tenant that had begun stays in its move, served all the while: `patchworks tenant move` goes
    on with it, `patchworks tenant rollback` gives it up.
    """
    from tenant_moves.fleet import queues

    if everybody == bool(tenants):
        raise typer.BadParameter("name tenants, or give --all")

    def one(client: DBOSClient, entry: Entry) -> str | None:
        if entry.state not in ("queued", "waiting", "moving", "paused"):
            return None
        queues.cancel(client, entry.entry, "cancelled")
        begun = entry.began is not None
        return "is cancelled" + (f"; `patchworks tenant status {entry.order.tenant}`" * begun)

    def all_of_them(client: DBOSClient) -> str:
        from tenant_moves.fleet import board

        entries = board.read(client, _url()).entries
        done = [one(client, entry) for entry in entries]
        return f"{counted(len([said for said in done if said]), 'tenant')} cancelled"

    _each(tenants, all_of_them, one)


def _each(
    tenants: list[str] | None,
    all_of_them: Callable[[DBOSClient], str],
    one: Callable[[DBOSClient, Entry], str | None],
) -> None:
    """Do something to the queue or to tenants in it; those it can't be done to are refused."""
    from tenant_moves.fleet import board, queues

    url = _url()
    with queues.opened(url) as client:
        if not tenants:
            typer.echo(all_of_them(client))
            return
        found = board.of_tenants(board.read(client, url), tenants)
        refused = False
        for tenant in dict.fromkeys(tenants):
            entry = found.get(tenant)
            said = one(client, entry) if entry is not None else None
            if said is None:
                refused = True
                how = f"is {entry.state}" if entry is not None else "is not in the queue"
                typer.echo(f"patchworks: refused: {tenant} {how}", err=True)
            else:
                typer.echo(f"{tenant} {said}")
    if refused:
        raise typer.Exit(ExitCode.REFUSED)


def _url() -> str:
    from database_moves.errors import MoveError
    from tenant_moves.fleet import queues

    try:
        return queues.shared_url()
    except MoveError as error:
        typer.echo(f"patchworks: {error}", err=True)
        raise typer.Exit(ExitCode.USAGE) from None


def _looked(look: Callable[[], Gathered]) -> Gathered:
    """Say of a cloud that is not there that nothing was changed."""
    from rehearsal.servers.moto import MotoNotRunning

    try:
        return look()
    except MotoNotRunning as stopped:
        typer.echo(f"patchworks: refused: {stopped}", err=True)
        raise typer.Exit(ExitCode.REFUSED) from None


def _print_gathered(found: Gathered) -> None:
    from tenant_moves.fleet.gathering import SETTLED

    if found.orders:
        sized = bool(found.sizes)
        print_table(
            ("Tenant", "From", "To", *(["Database"] if sized else [])),
            [
                (
                    order.tenant,
                    order.source,
                    order.target,
                    *([f"{found.sizes[order.tenant] / 1e6:,.1f} MB"] if sized else []),
                )
                for order in found.orders
            ],
        )
    for tenant, why in found.left.items():
        if why != SETTLED:
            typer.echo(f"{tenant} {why}")


def _refuse(found: Gathered, as_json: bool) -> NoReturn:
    for tenant, why in found.refused.items():
        typer.echo(f"{tenant}: {why}", err=True)
    count = counted(len(found.refused), "tenant")
    typer.echo(f"patchworks: refused: {count} can't be moved; nobody was queued", err=True)
    if as_json:
        print_json({"exit": int(ExitCode.REFUSED), "queued": []} | _rest(found))
    raise typer.Exit(ExitCode.REFUSED)


def _orders(found: Gathered) -> Iterable[dict[str, Any]]:
    return [order.model_dump(mode="json") for order in found.orders]


def _rest(found: Gathered) -> dict[str, Any]:
    return {"left": dict(found.left), "refused": dict(found.refused)}
