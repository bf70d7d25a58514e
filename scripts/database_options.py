"""Options that the commands on databases share, and what they stand for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from database_moves.cutover.ports import SwitchHook
    from database_moves.database import Database, Side
    from database_moves.poolers.pooler import Pooler

MoveArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The move's name; it says which move is meant later.")
]
SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="DSN",
        envvar="PATCHWORKS_SOURCE",
        show_envvar=True,
        help="The database to move from: a libpq connection string or URI.",
    ),
]
TargetOption = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="DSN",
        envvar="PATCHWORKS_TARGET",
        show_envvar=True,
        help="The empty database to move to.",
    ),
]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIRECTORY",
        help="Where moves are recorded; by default PATCHWORKS_DATABASE_URL (PostgreSQL), or a file "
        "in your state directory.",
    ),
]
PoolerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--pooler",
        metavar="DSN",
        help="PgBouncer's admin console; once for each PgBouncer, or one a line in "
        "PATCHWORKS_POOLER. Without any, clients are cut off at the cutover and must reconnect.",
    ),
]
PoolerConfigOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--pooler-config",
        metavar="FILE",
        help="The file with that PgBouncer's [databases] section, in the order of --pooler.",
    ),
]
SwitchOption = Annotated[
    str | None,
    typer.Option(
        "--switch-command",
        metavar="COMMAND",
        help="Run in the pause, to point what is no pooler at the side in PATCHWORKS_SERVING "
        "(source or target); run again the other way when all is undone.",
    ),
]
MaxPauseOption = Annotated[
    float | None,
    typer.Option(
        "--max-pause", metavar="SECONDS", help="Undo all when writes have waited this long."
    ),
]
CarryOption = Annotated[
    float | None,
    typer.Option(
        "--carry-seconds",
        metavar="SECONDS",
        help="How much of the pause large objects and unlogged tables may take.",
    ),
]
CreateRolesOption = Annotated[
    bool | None,
    typer.Option("--create-roles/--no-create-roles", help="Create roles the target lacks."),
]
WithoutOption = Annotated[
    Literal["source", "target"] | None,
    typer.Option(
        "--without",
        help="Leave out this side, which is gone for good; what is left on it is told.",
    ),
]
CancelOption = Annotated[
    bool | None,
    typer.Option(
        "--cancel-blockers/--wait-for-blockers",
        help="End transactions that hold up the cutover, or give up after --max-pause.",
    ),
]


def database(dsn: str | None, side: Side) -> Database:
    """The database of a connection string; ends in wrong usage where it is none."""
    from database_moves.database import Database

    variable = f"PATCHWORKS_{side.upper()}"
    if not dsn:
        raise typer.BadParameter(
            f"give --{side}, or set {variable}, which keeps a password out of the process list"
        )
    _look_at(dsn, f"--{side}", variable)
    return Database(dsn, side)


def _look_at(dsn: str, option: str, variable: str) -> None:
    """End in wrong usage where a text is no connection string; warn of a password shown to all."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # libpq's own message repeats the string, and the password with it.
        raise typer.BadParameter(
            f"what {option} has is neither a URI (postgresql://user@host/database) nor "
            "keywords and values (host=... dbname=...)"
        ) from None
    if parts.get("password") and any(dsn in argument for argument in sys.argv):
        typer.echo(
            f"patchworks: others on this machine can read the password of {option} in the "
            f"process list; set {variable} instead",
            err=True,
        )


def pooler_list(
    admins: Sequence[str] | None,
    configs: Sequence[Path] | None,
    source: Database,
    target: Database,
) -> tuple[Pooler, ...]:
    """The poolers between the applications and the database."""
    from database_moves.poolers.pgbouncer import PgBouncer

    if admins is None:
        # Not left to the option's own variable, which would be split at each space.
        admins = list(filter(None, os.environ.get("PATCHWORKS_POOLER", "").splitlines()))
    configs = configs or ()
    if len(admins) != len(configs):
        raise typer.BadParameter(
            f"{len(admins)} --pooler and {len(configs)} --pooler-config: give one of each for "
            "every PgBouncer"
        )
    for admin in admins:
        _look_at(admin, "--pooler", "PATCHWORKS_POOLER")
    return tuple(
        PgBouncer(admin, config, source, target)
        for admin, config in zip(admins, configs, strict=True)
    )


def switch_hook(command: str | None, move: str) -> SwitchHook | None:
    """What the switch command stands for."""
    from database_moves.cutover.ports import SwitchCommand

    return None if command is None else SwitchCommand(command, move)
