"""`patchworks local`: starts, stops and describes the cloud on this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.catalog_options import CatalogOption, JsonOption, load_catalog, print_json
from scripts.state_option import StateOption
from scripts.tables import print_table

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.catalog import Catalog
    from rehearsal.local_cloud import LocalCloud, ServerStatus

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Start, stop or describe the cloud on this machine.\n\n"
    "It is moto for AWS, a real PostgreSQL server for each declared database cluster, and "
    "Kubernetes by its schemas. It listens on loopback only and keeps its state in .patchworks.",
)


@app.command()
def start(
    catalog: CatalogOption = None, state: StateOption = None, as_json: JsonOption = False
) -> None:
    """Start what does not run yet; a second start changes nothing."""
    loaded = load_catalog(catalog)
    cloud = _cloud(state)
    with cloud.exclusively():
        cloud.start(declared_clusters(loaded), _say)
    _print(cloud, as_json)


@app.command()
def stop(
    state: StateOption = None,
    reset: Annotated[
        bool,
        typer.Option("--reset", help="Delete the databases and all that was rehearsed as well."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop every server. Databases keep their data; what moto had is gone."""
    cloud = _cloud(state)
    if not cloud.root.exists():
        stopped = 0
    else:
        with cloud.exclusively():
            stopped = cloud.reset() if reset else cloud.stop()
    if as_json:
        print_json({"stopped": stopped})
    else:
        typer.echo(f"{stopped} servers stopped" if stopped != 1 else "1 server stopped")


@app.command()
def status(state: StateOption = None, as_json: JsonOption = False) -> None:
    """Show every server: its version, address, process and state."""
    _print(_cloud(state), as_json)


def declared_clusters(catalog: Catalog) -> dict[str, str]:
    """The engine version of every database cluster that cells and tenants declare, by name."""
    from catalog import names

    shared: dict[str, str] = {
        names.database_cluster(cell, database): settings.engine_version
        for cell in catalog.cells.values()
        for database, settings in cell.databases.items()
    }
    dedicated: dict[str, str] = {
        names.database_cluster(
            catalog.cells[tenant.placement.cell], names.dedicated_database(tenant.name)
        ): tenant.placement.dedicated.engine_version
        for tenant in catalog.tenants.values()
        if tenant.placement.dedicated is not None
    }
    return shared | dedicated


def _cloud(state: Path | None) -> LocalCloud:
    from rehearsal.local_cloud import LocalCloud

    return LocalCloud.at(state)


def _say(server: ServerStatus) -> None:
    note = f" ({server.note})" if server.note else ""
    line = f"{server.server}: {server.version} at {server.address}{note}"
    typer.echo(line, err=True)


def _print(cloud: LocalCloud, as_json: bool) -> None:
    servers = cloud.status()
    if as_json:
        print_json({"state": str(cloud.root), "servers": [asdict(server) for server in servers]})
        return
    print_table(
        ("Server", "Version", "Address", "PID", "State", "Note"),
        [
            (
                server.server,
                server.version,
                server.address or "-",
                str(server.pid or "-"),
                server.state,
                server.note or "",
            )
            for server in servers
        ],
    )
