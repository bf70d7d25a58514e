"""`patchworks deliver moves`: the tenants that there are to move, and in which jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scripts.catalog_options import JsonOption, pick, print_json
from scripts.delivery_log import Log, explained
from scripts.delivery_options import (
    CommitArgument,
    EngineOption,
    GithubOutputOption,
    desk_of,
    own_run,
)
from scripts.state_option import StateOption

if TYPE_CHECKING:
    from delivery.moves import DueMove


def moves(
    commit: CommitArgument = "HEAD",
    tenants: Annotated[
        list[str] | None,
        typer.Option("--tenant", metavar="NAME", help="Only this one; again for more."),
    ] = None,
    under_way: Annotated[
        bool, typer.Option("--under-way", help="Only moves that have been begun.")
    ] = False,
    engine: EngineOption = "auto",
    state: StateOption = None,
    outputs: GithubOutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the tenants that are served elsewhere than declared, or are on their way.

    A move waits until the commit that declares it has been delivered to the tenant's stack; one
    that was begun goes on. `patchworks tenant move NAME` makes it.
    """
    from dataclasses import asdict

    from delivery import moves as due

    with explained(), desk_of(commit, engine, state, own_run(), Log()) as desk:
        for name in tenants or ():
            pick(desk.catalog.tenants, name, "tenant")
        # A tenant is named once, however often it was asked for.
        found = due.moves(desk, tuple(dict.fromkeys(tenants or ())))
    if under_way:
        found = [each for each in found if each.begun]
    if outputs is not None:
        import json

        ready = due.matrix(found)
        with outputs.open("a") as file:
            file.write(f"moves={json.dumps(ready)}\ncount={len(ready['include'])}\n")
    if as_json:
        print_json([asdict(each) for each in found])
        return
    for each in found:
        typer.echo(_line(each))
    if not found:
        typer.echo("every tenant is served where it is declared" if not under_way else "no moves")


def _line(each: DueMove) -> str:
    if each.waits:
        return f"{each.way}: waits: {each.waits}"
    return f"{each.way}: {'goes on' if each.begun else 'can begin'}"
