"""`patchworks smoke`: looks whether the cells and tenants of a wave serve."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from scripts.delivery_log import explained
from scripts.delivery_options import EngineOption, engine_of
from scripts.exits import ExitCode
from scripts.state_option import StateOption

app = typer.Typer(add_completion=False)


@app.command()
def smoke(
    wave: Annotated[
        Literal["dev", "staging", "canary", "rest"], typer.Argument(help="Whose stacks.")
    ],
    engine: EngineOption = "auto",
    state: StateOption = None,
) -> None:
    """Look whether no alarm is on, replicas answer, and secrets open what they should.

    On the cloud of this machine no pod runs, so that replicas can't be looked at there; the
    databases and secrets are real.
    """
    from catalog.load import find_root
    from delivery.checklist import load_checklist
    from delivery.smoke import smoke as look
    from delivery.smoke import tell
    from delivery.waves import stacks_by_wave
    from scripts.catalog_options import load_catalog

    catalog, root = load_catalog(None), find_root()
    checklist = load_checklist(root, catalog)
    with explained(), engine_of(catalog, root, engine, state) as chosen:
        stacks = stacks_by_wave(catalog, checklist, chosen.ledger())[wave]
        problems = tell(look(catalog, chosen, stacks), typer.echo)
    if problems:
        typer.echo(f"patchworks: {problems} of {wave} do not serve", err=True)
        raise typer.Exit(ExitCode.FAULTS)
