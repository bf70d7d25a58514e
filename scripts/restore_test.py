"""`patchworks restore-test`: proves that databases can be had back from their newest backups."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - read by typer
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.catalog_options import JsonOption, load_catalog, print_json
from scripts.delivery_log import explained
from scripts.delivery_options import EngineOption, RunOption, engine_of, own_run
from scripts.exits import ExitCode
from scripts.state_option import StateOption

if TYPE_CHECKING:
    from delivery.records import RestoreTested

app = typer.Typer(add_completion=False)


@app.command()
def restore_test(
    stacks: Annotated[
        list[str] | None,
        typer.Argument(help="cell.NAME or tenant.NAME; every cell by default.", show_default=False),
    ] = None,
    outputs: Annotated[
        Path | None,
        typer.Option(
            "--github-output",
            metavar="FILE",
            help="Restore nothing: append the stacks to a file, as a matrix and output of a step.",
        ),
    ] = None,
    engine: EngineOption = "auto",
    state: StateOption = None,
    run: RunOption = "",
    as_json: JsonOption = False,
) -> None:
    """Restore each database's newest backup beside it, read all of it, and remove it again.

    1 where one can't be had back whole. What came of it is recorded. On the cloud of this machine
    the newest backup is a dump that is taken first.
    """
    from catalog.load import find_root
    from delivery.restore_test import restore_tests, targets
    from delivery.table import DeliveryRecords
    from stacks.programs import UnknownStackNameError, parse

    catalog = load_catalog(None)
    named = list(dict.fromkeys(stacks or [f"cell.{name}" for name in sorted(catalog.cells)]))
    try:
        for stack in named:
            if parse(catalog, stack).kind == "organization":
                raise typer.BadParameter("the organization has no database")
    except UnknownStackNameError as error:
        raise typer.BadParameter(str(error)) from None
    tested: list[RestoreTested] = []
    with explained(), engine_of(catalog, find_root(), engine, state) as chosen:
        ledger = chosen.ledger()
        wanted = {stack: targets(catalog, ledger, stack) for stack in named}
        if outputs is not None:
            cells = {stack: found[0].cell for stack, found in wanted.items() if found}
            include = [
                {"stack": stack, "cell": cell.name, "environment": cell.environment}
                for stack, cell in cells.items()
            ]
            with outputs.open("a") as file:
                file.write(f"matrix={json.dumps({'include': include})}\n")
            return
        records = DeliveryRecords(catalog.organization, chosen.dynamodb())
        for stack, found in wanted.items():
            if not found:
                typer.echo(f"patchworks: {stack} serves no tenant", err=True)
            for each in restore_tests(
                found, chosen.backups(), records, run=run or own_run(), by=chosen.whoami()
            ):
                tested.append(each)
                if not as_json:
                    typer.echo(_told(each))
    if as_json:
        print_json([each.model_dump(mode="json") for each in tested])
    if any(each.faults for each in tested):
        raise typer.Exit(ExitCode.FAULTS)


def _told(tested: RestoreTested) -> str:
    if tested.faults:
        return "\n".join(f"FAULT  {tested.cluster}: {fault}" for fault in tested.faults)
    taken = f"{tested.taken:%Y-%m-%d %H:%M} UTC" if tested.taken else "never"
    return (
        f"whole  {tested.cluster}: {tested.tables} tables and {tested.rows} rows of "
        f"{', '.join(tested.tenants)}, as of {taken}, back after {tested.seconds:.0f} s"
    )
