"""`patchworks drift`: which stacks differ from what was brought up of them."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - read by typer
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scripts.catalog_options import JsonOption, load_catalog, pick, print_json
from scripts.delivery_log import explained
from scripts.delivery_options import EngineOption, engine_of
from scripts.exits import ExitCode
from scripts.state_option import StateOption

if TYPE_CHECKING:
    from collections.abc import Collection

    from catalog.catalog import Catalog

app = typer.Typer(add_completion=False)


@app.command()
def drift(
    stacks: Annotated[
        list[str] | None,
        typer.Argument(help="organization, cell.NAME or tenant.NAME.", show_default=False),
    ] = None,
    wave: Annotated[
        Literal["organization", "dev", "staging", "canary", "rest"] | None,
        typer.Option("--wave", help="All stacks of a wave."),
    ] = None,
    cell: Annotated[
        str | None, typer.Option("--cell", metavar="NAME", help="A cell and the tenants in it.")
    ] = None,
    settings: Annotated[
        bool,
        typer.Option(
            "--settings",
            help="Only what AWS itself holds; clusters, databases and secrets are not asked.",
        ),
    ] = False,
    outputs: Annotated[
        Path | None,
        typer.Option(
            "--github-output",
            metavar="FILE",
            help="Look at nothing: append the cells to a file, as a matrix and output of a step.",
        ),
    ] = None,
    environments: Annotated[
        list[str] | None,
        typer.Option("--environment", metavar="NAME", help="List the cells of these alone."),
    ] = None,
    engine: EngineOption = "auto",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which stacks an update would change now; 1 where one differs or can't be told.

    With Pulumi the cloud is asked as well, so that changes by hand show. On the cloud of this
    machine the programs are compared with what was applied of them.
    """
    from catalog.load import find_root
    from delivery.checklist import load_checklist
    from delivery.engine import EngineError
    from delivery.waves import cell_of, stacks_by_wave
    from stacks.programs import UnknownStackNameError, parse

    catalog, root = load_catalog(None), find_root()
    try:
        for stack in stacks or ():
            parse(catalog, stack)
    except UnknownStackNameError as error:
        raise typer.BadParameter(str(error)) from None
    if outputs is not None:
        _list_cells(catalog, outputs, environments or ())
        return
    if not stacks and wave is None and cell is None:
        raise typer.BadParameter("name stacks, a wave with --wave or a cell with --cell")
    if cell is not None:
        pick(catalog.cells, cell, "cell")
    found: list[dict[str, Any]] = []
    with explained(), engine_of(catalog, root, engine, state) as chosen:
        waves = stacks_by_wave(catalog, load_checklist(root, catalog), chosen.ledger())
        chosen_stacks = [*(stacks or ()), *(waves[wave] if wave is not None else ())]
        ledger = chosen.ledger()
        chosen_stacks += [
            stack
            for each in waves.values()
            for stack in each
            if cell is not None and cell_of(catalog, ledger, stack) == cell
        ]
        for stack in chosen_stacks:
            part = {"part": "settings"} if settings else {}
            try:
                differs = chosen.differences(stack, settings=settings)
                found.append({"stack": stack, **part, "differs": differs})
            except EngineError as error:
                found.append({"stack": stack, **part, "problem": str(error)})
            if not as_json:
                typer.echo(_line(found[-1]))
    if as_json:
        print_json(found)
    if any(each.get("differs") or "problem" in each for each in found):
        raise typer.Exit(ExitCode.FAULTS)


def _list_cells(catalog: Catalog, outputs: Path, environments: Collection[str]) -> None:
    import json

    cells = [
        {"cell": cell.name, "environment": cell.environment}
        for cell in catalog.cells.values()
        if not environments or cell.environment in environments
    ]
    with outputs.open("a") as file:
        file.write(f"matrix={json.dumps({'include': cells})}\n")


def _line(found: dict[str, Any]) -> str:
    if "problem" in found:
        return f"{found['stack']}: can't be told: {found['problem']}"
    counts = ", ".join(f"{count} to {name}" for name, count in found["differs"].items())
    return f"{found['stack']}: {counts or 'as it was brought up'}"
