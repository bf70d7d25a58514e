"""`patchworks database`: moves one PostgreSQL database to another server, and says how it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from scripts.catalog_options import JsonOption
from scripts.database_options import (
    CancelOption,
    CarryOption,
    CreateRolesOption,
    MaxPauseOption,
    MoveArgument,
    PoolerConfigOption,
    PoolerOption,
    SourceOption,
    StoreOption,
    SwitchOption,
    TargetOption,
    WithoutOption,
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Move a live PostgreSQL database to another server without losing a write.\n\n"
    "It works on two connection strings. Passwords belong in PATCHWORKS_SOURCE and "
    "PATCHWORKS_TARGET, a service file or a password file, not on the command line.",
)

JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", min=1, help="Sessions on each side that copy and build indexes."),
]

OlderTargetOption = Annotated[
    bool | None,
    typer.Option("--allow-older-target", help="Allow a target of an older major version."),
]


@app.command()
def preflight(
    source: SourceOption = None,
    target: TargetOption = None,
    pooler: PoolerOption = None,
    pooler_config: PoolerConfigOption = None,
    rollback: Annotated[
        bool, typer.Option("--rollback/--no-rollback", help="Whether the way back is wanted.")
    ] = True,
    allow_older_target: OlderTargetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say all that would stop a move, and how to mend it. Nothing is changed."""
    from database_moves.options import MoveOptions
    from database_moves.preflight import preflight as run
    from scripts.database_options import database, pooler_list
    from scripts.database_running import leave_with_report

    options = MoveOptions(rollback=rollback, allow_older_target=bool(allow_older_target))
    here, there = database(source, "source"), database(target, "target")
    poolers = pooler_list(pooler, pooler_config, here, there)
    leave_with_report(run(here, there, options, poolers=poolers), as_json)


@app.command()
def move(
    name: MoveArgument,
    source: SourceOption = None,
    target: TargetOption = None,
    jobs: JobsOption = None,
    rate_limit: Annotated[
        int | None, typer.Option("--rate-limit", metavar="BYTES", help="Bytes a second to copy.")
    ] = None,
    pooler: PoolerOption = None,
    pooler_config: PoolerConfigOption = None,
    switch_command: SwitchOption = None,
    cutover: Annotated[
        Literal["auto", "manual"] | None,
        typer.Option(
            help="Cut over as soon as the target follows, verified; or wait for `cutover`."
        ),
    ] = None,
    max_pause: MaxPauseOption = None,
    cancel_blockers: CancelOption = None,
    carry_seconds: CarryOption = None,
    owners: Annotated[
        bool | None, typer.Option("--owners/--no-owners", help="Keep the owners of what is moved.")
    ] = None,
    grants: Annotated[
        bool | None, typer.Option("--grants/--no-grants", help="Keep grants.")
    ] = None,
    create_roles: CreateRolesOption = None,
    rollback: Annotated[
        bool | None,
        typer.Option("--rollback/--no-rollback", help="Let the old side follow after the cutover."),
    ] = None,
    allow_older_target: OlderTargetOption = None,
    state: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move a database, or go on with a move that was interrupted."""
    from scripts.database_running import Asked, run

    chosen = {
        "jobs": jobs,
        "rate_limit": rate_limit,
        "cutover": cutover,
        "max_pause": max_pause,
        "cancel_blockers": cancel_blockers,
        "carry_seconds": carry_seconds,
        "owners": owners,
        "grants": grants,
        "create_roles": create_roles,
        "rollback": rollback,
        "allow_older_target": allow_older_target,
    }
    asked = Asked(name, source, target, chosen, pooler, pooler_config, switch_command, state)
    run(asked, "move", as_json)


@app.command()
def cutover(
    name: MoveArgument,
    source: SourceOption = None,
    target: TargetOption = None,
    pooler: PoolerOption = None,
    pooler_config: PoolerConfigOption = None,
    switch_command: SwitchOption = None,
    max_pause: MaxPauseOption = None,
    cancel_blockers: CancelOption = None,
    carry_seconds: CarryOption = None,
    state: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the target serve; the source follows it from then on."""
    from scripts.database_running import Asked, run

    chosen = {
        "max_pause": max_pause,
        "cancel_blockers": cancel_blockers,
        "carry_seconds": carry_seconds,
    }
    asked = Asked(name, source, target, chosen, pooler, pooler_config, switch_command, state)
    run(asked, "cutover", as_json)


@app.command()
def rollback(
    name: MoveArgument,
    source: SourceOption = None,
    target: TargetOption = None,
    pooler: PoolerOption = None,
    pooler_config: PoolerConfigOption = None,
    switch_command: SwitchOption = None,
    max_pause: MaxPauseOption = None,
    cancel_blockers: CancelOption = None,
    carry_seconds: CarryOption = None,
    state: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let the source serve again, with every write made since the cutover."""
    from scripts.database_running import Asked, run

    chosen = {
        "max_pause": max_pause,
        "cancel_blockers": cancel_blockers,
        "carry_seconds": carry_seconds,
    }
    asked = Asked(name, source, target, chosen, pooler, pooler_config, switch_command, state)
    run(asked, "rollback", as_json)


@app.command()
def finish(
    name: MoveArgument,
    source: SourceOption = None,
    target: TargetOption = None,
    dump: Annotated[
        Path | None,
        typer.Option("--dump", metavar="FILE", help="Write a last dump of the old database here."),
    ] = None,
    drop: Annotated[
        bool,
        typer.Option("--drop-old-database", help="Delete the old database; needs --dump."),
    ] = False,
    without: WithoutOption = None,
    state: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a move whose target serves: remove slots, subscriptions and publications."""
    from scripts.database_running import Asked, run

    if drop and dump is None:
        raise typer.BadParameter("--drop-old-database needs --dump FILE, the last dump of it")
    if without and dump is not None:
        raise typer.BadParameter(f"--dump and --without: a {without} that is gone can't be dumped")
    # It touches no pooler, wherever PATCHWORKS_POOLER may lead.
    asked = Asked(name, source, target, {}, [], [], None, state)
    file = None if dump is None else str(dump.resolve())
    run(asked, "finish", as_json, dump=file, drop=drop, without=without)


@app.command()
def abort(
    name: MoveArgument,
    source: SourceOption = None,
    target: TargetOption = None,
    pooler: PoolerOption = None,
    pooler_config: PoolerConfigOption = None,
    without: WithoutOption = None,
    state: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give up a move whose source serves: the target is left empty, and no slot remains."""
    from scripts.database_running import Asked, run

    asked = Asked(name, source, target, {}, pooler, pooler_config, None, state)
    run(asked, "abort", as_json, without=without)


@app.command()
def status(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A move; all are listed without.")
    ] = None,
    source: SourceOption = None,
    target: TargetOption = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it.")] = False,
    state: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how a move stands: its step, who serves, lag, slots and what to do next."""
    if name is None:
        from scripts.database_showing import list_moves

        list_moves(state, as_json)
    else:
        from scripts.database_status import show_status

        show_status(name, source, target, state, watch=watch, as_json=as_json)


@app.command()
def report(
    name: MoveArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Ends in .html or .json.")
    ] = Path("move-report.html"),
    state: StoreOption = None,
) -> None:
    """Write the report of a move: its steps, lag, rates and pauses, as a page or as JSON."""
    from scripts.database_showing import write_report

    write_report(name, output, state)


@app.command()
def verify(
    source: SourceOption = None,
    target: TargetOption = None,
    name: Annotated[
        str | None,
        typer.Option("--move", metavar="NAME", help="The move by which the one follows the other."),
    ] = None,
    serving: Annotated[
        Literal["source", "target"], typer.Option(help="The side that is right by definition.")
    ] = "source",
    jobs: JobsOption = None,
    load_limit: Annotated[
        int | None,
        typer.Option(
            "--load-limit", metavar="BYTES", min=1, help="Bytes a second to read on each side."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two databases row by row, also while one follows the other."""
    from scripts.database_showing import verify as run

    run(source, target, name, serving, jobs, load_limit, as_json=as_json)
