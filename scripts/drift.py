"""`patchworks drift`: which stacks differ from what was brought up of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from scripts.catalog_options import JsonOption, load_catalog, print_json
from scripts.delivery_options import DeliveryStateOption, EngineOption, engine_of
from scripts.exits import ExitCode

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
    engine: EngineOption = "auto",
    state: DeliveryStateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which stacks an update would change now; 1 where one differs or can't be told.

    With Pulumi the cloud is asked as well, so that changes by hand show. On the cloud of this
    machine the programs are compared with what was applied of them.
    """
    from catalog.load import find_root
    from delivery.checklist import load_checklist
    from delivery.engine import EngineError
    from delivery.waves import stacks_by_wave
    from stacks.programs import UnknownStackNameError, parse

    catalog, root = load_catalog(None), find_root()
    try:
        for stack in stacks or ():
            parse(catalog, stack)
    except UnknownStackNameError as error:
        raise typer.BadParameter(str(error)) from None
    if not stacks and wave is None:
        raise typer.BadParameter("name stacks, or a wave with --wave")
    found: list[dict[str, Any]] = []
    with engine_of(catalog, root, engine, state) as chosen:
        waves = stacks_by_wave(catalog, load_checklist(root, catalog), chosen.ledger())
        for stack in (*(stacks or ()), *(waves[wave] if wave is not None else ())):
            try:
                found.append({"stack": stack, "differs": chosen.differences(stack)})
            except EngineError as error:
                found.append({"stack": stack, "problem": str(error)})
            if not as_json:
                typer.echo(_line(found[-1]))
    if as_json:
        print_json(found)
    if any(each.get("differs") or "problem" in each for each in found):
        raise typer.Exit(ExitCode.FAULTS)


def _line(found: dict[str, Any]) -> str:
    if "problem" in found:
        return f"{found['stack']}: can't be told: {found['problem']}"
    counts = ", ".join(f"{count} to {name}" for name, count in found["differs"].items())
    return f"{found['stack']}: {counts or 'as it was brought up'}"
