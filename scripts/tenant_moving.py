"""`patchworks tenant move|status|report|rollback|finish`: takes tenants where they are declared."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from scripts.asking import YesOption, ask
from scripts.catalog_options import CatalogOption, JsonOption, load_catalog, pick, print_json
from scripts.database_options import (
    CancelOption,
    CarryOption,
    CreateRolesOption,
    MaxPauseOption,
    WithoutOption,
)
from scripts.delivery_options import ENGINE_VARIABLE, EngineOption, named_engine
from scripts.exits import ExitCode
from scripts.state_option import StateOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from database_moves.database import Side
    from database_moves.options import MoveOptions
    from scripts.delivery_options import EngineName
    from tenant_moves.commands import Asked, Result
    from tenant_moves.platform import Platform

TenantArgument = Annotated[str, typer.Argument(metavar="NAME", help="The tenant's name.")]
WholeCellOption = Annotated[
    bool,
    typer.Option(
        "--whole-cell",
        help="With --without: all of that side's cell is gone, and its poolers, bucket and cluster "
        "are not asked either.",
    ),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", help="Sessions on each side that copy the database.")
]


def move(
    name: TenantArgument,
    yes: YesOption = False,
    max_pause: MaxPauseOption = None,
    cancel_blockers: CancelOption = None,
    carry_seconds: CarryOption = None,
    jobs: JobsOption = None,
    create_roles: CreateRolesOption = None,
    allow_older_target: Annotated[
        bool | None,
        typer.Option("--allow-older-target", help="Allow a target of an older major version."),
    ] = None,
    catalog: CatalogOption = None,
    state: StateOption = None,
    engine: EngineOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Take a tenant to the placement that its file declares, or go on with that.

    Exit code 3 means refused before anything changed, 4 that the cutover was undone and the old
    side serves. Running it again goes on.
    """
    from tenant_moves import commands
    from tenant_moves.forecast import forecast

    asked = _asked(
        name,
        catalog,
        state,
        engine,
        jobs=jobs,
        max_pause=max_pause,
        cancel_blockers=cancel_blockers,
        carry_seconds=carry_seconds,
        create_roles=create_roles,
        allow_older_target=allow_older_target,
    )

    def confirm() -> None:
        found = commands.compare(asked)
        if found is None:
            return
        if not found.begun:
            commands.check(asked, found)
            typer.echo(found.described, err=True)
            for label, text in forecast(asked.platform, found, asked.options).lines():
                typer.echo(f"  {label:<10}{text}", err=True)
        ask(f"Go on with {found.described}?" if found.begun else "Move it?")

    _run(asked, commands.move, as_json, None if yes else confirm)


def rollback(
    name: TenantArgument,
    yes: YesOption = False,
    max_pause: MaxPauseOption = None,
    cancel_blockers: CancelOption = None,
    carry_seconds: CarryOption = None,
    without: WithoutOption = None,
    whole_cell: WholeCellOption = False,
    catalog: CatalogOption = None,
    state: StateOption = None,
    engine: EngineOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Bring a tenant in a move back to where it was, with every write made since.

    Before the cutover this gives the move up. After it, the other side goes on following, so that
    `move` can go forward again. `--without target` gives up a move whose target is gone for good.
    """
    from tenant_moves import commands
    from tenant_moves import without as leaving_out

    _for_one_side(without, whole_cell)
    asked = _asked(
        name,
        catalog,
        state,
        engine,
        max_pause=max_pause,
        cancel_blockers=cancel_blockers,
        carry_seconds=carry_seconds,
    )
    question = f"Bring {name} back to where it was?"
    ending: Callable[[Asked], Result] = commands.rollback
    if without is not None:
        question += f" Nothing on the {without} is asked or cleared."
        ending = partial(leaving_out.rollback, side=without, whole_cell=whole_cell)
    _run(asked, ending, as_json, None if yes else partial(ask, question))


def finish(
    name: TenantArgument,
    yes: YesOption = False,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep-old-database",
            help="Leave the database that was left; it lets nobody in, and the tenant can't come "
            "back to its place while it is there.",
        ),
    ] = False,
    without: WithoutOption = None,
    whole_cell: WholeCellOption = False,
    catalog: CatalogOption = None,
    state: StateOption = None,
    engine: EngineOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """End a tenant's move on the side that serves; there is no way back afterwards.

    The last dump of the database that was left goes to the backups of the cell that serves, and
    that database is dropped. `--without` ends a move whose other side is gone for good: there is no
    last dump then, and what is left there is told.
    """
    from tenant_moves import commands
    from tenant_moves import without as leaving_out

    _for_one_side(without, whole_cell)
    if without and keep:
        raise typer.BadParameter(
            f"--keep-old-database and --without: a {without} that is gone is left as it is"
        )
    asked = _asked(name, catalog, state, engine)
    question = f"End the move of {name}?"
    if without is None:
        question += " The side that does not serve stops following."
        ending = partial(commands.finish, drop=not keep)
    else:
        question += f" No last dump is kept, and nothing on the {without} is asked or cleared."
        ending = partial(leaving_out.finish, side=without, whole_cell=whole_cell)
    _run(asked, ending, as_json, None if yes else partial(ask, question))


def status(
    name: TenantArgument,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="See whether ledger, stack, route, poolers, secrets, buckets and databases agree; "
            "exit code 1 where they do not.",
        ),
    ] = False,
    catalog: CatalogOption = None,
    state: StateOption = None,
    engine: EngineOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Say where a tenant is served, where it is declared, and how its move stands."""
    from scripts.tenant_status import show

    platform = _platform(name, catalog, state, engine)
    show(platform, name, verify=verify, as_json=as_json)


def report(
    name: TenantArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Ends in .html or .json.")
    ] = Path("move-report.html"),
    catalog: CatalogOption = None,
    state: StateOption = None,
    engine: EngineOption = "auto",
) -> None:
    """Write the report of a tenant's move, or of its last one: steps, lag, rates and pauses."""
    from scripts.tenant_status import write_report

    write_report(_platform(name, catalog, state, engine), name, output)


def _asked(
    name: str, catalog: Path | None, state: Path | None, engine: EngineName, **chosen: Any
) -> Asked:
    import threading

    from database_moves.progress import silent
    from tenant_moves.commands import Asked

    options = options_of(**chosen)
    platform = _platform(name, catalog, state, engine)
    return Asked(platform, name, options, silent, threading.Event())


def options_of(**chosen: Any) -> MoveOptions:
    """What was chosen for the move of a database; ends in wrong usage with every fault."""
    from pydantic import ValidationError

    from database_moves.options import MoveOptions

    try:
        return MoveOptions(
            cutover="manual", **{key: value for key, value in chosen.items() if value is not None}
        )
    except ValidationError as error:
        faults = (f"--{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        raise typer.BadParameter("; ".join(faults).replace("_", "-")) from None


def _platform(name: str, catalog: Path | None, state: Path | None, engine: EngineName) -> Platform:
    found = platform_of(catalog, state, engine)
    pick(found.catalog.tenants, name, "tenant")
    return found


def platform_of(
    catalog: Path | None, state: Path | None, engine: EngineName | None = None
) -> Platform:
    """The cloud that tenants move in, with the catalog as it is now.

    Without an engine the environment names one. Where none is named it is AWS on a machine with
    Pulumi's CLI, unless a local cloud is.
    """
    named = named_engine(engine or os.environ.get(ENGINE_VARIABLE) or "auto", state)
    if named == "pulumi":
        from catalog.load import find_root
        from tenant_moves.aws_platform import AwsPlatform

        return AwsPlatform(
            load_catalog(catalog),
            catalog or find_root(),
            lambda stack, line: typer.echo(f"  {stack} | {line}", err=True),
        )
    from rehearsal.local_cloud import LocalCloud
    from tenant_moves.local import LocalPlatform, Silent

    return LocalPlatform(load_catalog(catalog), LocalCloud.at(state), Silent())


def _for_one_side(without: Side | None, whole_cell: bool) -> None:
    if whole_cell and without is None:
        raise typer.BadParameter("--whole-cell says more of a side that --without names")


def _run(
    asked: Asked,
    command: Callable[[Asked], Result],
    as_json: bool,
    confirm: Callable[[], None] | None = None,
) -> None:
    """Run a command once a person has said yes, and say what became of the tenant."""
    from dataclasses import replace

    import psycopg

    from database_moves.commands import PreflightRefusedError
    from database_moves.errors import AbortedError, MoveError, RefusedError
    from rehearsal.servers.moto import MotoNotRunning
    from scripts.database_progress import progress_on
    from scripts.database_running import leave_with_report, stopping
    from scripts.tenant_status import print_result
    from tenant_moves import cloud_faults

    try:
        with cloud_faults.explained():
            # Before Ctrl-C means to stop at a safe place, and before bars are drawn.
            if confirm is not None:
                confirm()
            with progress_on(sys.stderr) as report, stopping(asked.stopping):
                result = command(replace(asked, report=report))
    except PreflightRefusedError as refused:
        leave_with_report(refused.report, as_json)
    except AbortedError as aborted:
        _leave(f"aborted: {aborted}", ExitCode.ABORTED, as_json)
    except RefusedError as refusal:
        _leave(f"refused: {refusal}", ExitCode.REFUSED, as_json)
    except MotoNotRunning as stopped:
        _leave(f"refused: {stopped}", ExitCode.REFUSED, as_json)
    except MoveError as failure:
        _leave(f"failed: {failure}", ExitCode.FAULTS, as_json)
    except psycopg.OperationalError as fault:
        said = next(iter(str(fault).strip().splitlines()), "no answer")
        text = f"failed: a server does not answer: {said}; run the same command again when it does"
        _leave(text, ExitCode.FAULTS, as_json)
    print_result(result, as_json)


def _leave(text: str, code: ExitCode, as_json: bool) -> NoReturn:
    typer.echo(f"patchworks: {text}", err=True)
    if as_json:
        print_json({"exit": int(code), "error": text})
    raise typer.Exit(code)
