"""`patchworks rehearse`: applies stacks to the cloud on this machine and says what that did."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.catalog_options import CatalogOption, JsonOption, load_catalog, print_json
from scripts.exits import ExitCode
from scripts.state_option import StateOption

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.catalog import Catalog
    from rehearsal.outcome import Outcome
    from rehearsal.rehearse import Observer

app = typer.Typer(
    add_completion=False,
    help="Evaluate stacks and apply them to the cloud on this machine.\n\n"
    "Without names the whole catalog is rehearsed, and what was applied before and is gone from "
    "the catalog is torn down. Named stacks bring those they refer to.",
)


@app.command()
def rehearse(
    stacks: Annotated[
        list[str] | None,
        typer.Argument(help="organization, cell.NAME or tenant.NAME.", show_default=False),
    ] = None,
    catalog: CatalogOption = None,
    state: StateOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List every resource, unchanged ones too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Apply stacks to the cloud on this machine and show what changed."""
    from rehearsal.errors import ProgramError
    from scripts.rehearsal_progress import observer_for
    from scripts.rehearsal_report import print_report, to_json
    from stacks.programs import UnknownStackNameError

    loaded = load_catalog(catalog)
    observer = observer_for(sys.stderr)
    try:
        with observer:
            outcomes = run(loaded, tuple(stacks or ()), state, observer)
    except UnknownStackNameError as error:
        raise typer.BadParameter(str(error)) from None
    except ProgramError as error:
        typer.echo(f"patchworks: {error}", err=True)
        typer.echo(
            "patchworks: what was made until then stays; `patchworks rehearse` goes on from there",
            err=True,
        )
        raise typer.Exit(ExitCode.FAULTS) from None
    if as_json:
        print_json(to_json(outcomes))
    else:
        print_report(outcomes, verbose=verbose)


def run(
    catalog: Catalog, stacks: tuple[str, ...], state: Path | None, observer: Observer
) -> list[Outcome]:
    """Rehearse stacks on the local cloud, which is started when it does not run."""
    from rehearsal.interrupts import deferred_interrupts
    from rehearsal.local_cloud import LocalCloud
    from rehearsal.rehearse import Rehearsal
    from stacks.programs import parse

    for stack in stacks:
        parse(catalog, stack)

    def announce() -> None:
        typer.echo("patchworks: stopping after the resource under way", err=True)

    cloud = LocalCloud.at(state)
    with cloud.exclusively(), deferred_interrupts(announce) as check:
        cloud.start()
        return Rehearsal(catalog, cloud, observer, check).run(stacks)
