"""`patchworks cell`: what cells there are, what one is made of, and how one becomes empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts import cell_evacuation
from scripts.catalog_options import CatalogOption, JsonOption, load_catalog, pick, print_json
from scripts.tables import print_facts, print_table

if TYPE_CHECKING:
    from catalog.catalog import Catalog
    from catalog.cell import Cell, DatabaseSettings, NodePool

app = typer.Typer(add_completion=False, no_args_is_help=True, help="List, show and evacuate cells.")
app.command()(cell_evacuation.evacuate)


@app.command("list")
def list_cells(catalog: CatalogOption = None, as_json: JsonOption = False) -> None:
    """List every cell with its place, network and number of tenants."""
    loaded = load_catalog(catalog)
    rows = [_summary(loaded, cell) for cell in loaded.cells.values()]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("Cell", "Network", "Zones", "Kubernetes", "Databases", "Tenants"),
        [
            (
                row["name"],
                row["network"],
                str(len(row["zones"])),
                row["kubernetes"],
                ", ".join(row["databases"]),
                str(len(row["tenants"])),
            )
            for row in rows
        ],
    )


@app.command("show")
def show_cell(
    name: Annotated[str, typer.Argument(help="The cell's name.")],
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a cell: network and subnets, nodes, databases, VPN, allow-list and tenants."""
    from catalog import names
    from catalog.subnets import layout

    loaded = load_catalog(catalog)
    cell = pick(loaded.cells, name, "cell")
    subnets = layout(cell.network.cidr, len(cell.zones))
    derived = {
        "cluster": names.cluster(loaded.organization, cell),
        "domain": names.cell_domain(loaded.organization, cell),
    }
    allowed = loaded.cell_allow_list(cell)
    tenants = _tenants(loaded, cell)
    if as_json:
        print_json(
            cell.model_dump(mode="json")
            | {
                "subnets": {
                    "public": subnets.public,
                    "private": subnets.private,
                    "isolated": subnets.isolated,
                },
                "names": derived,
                "effective_allow_list": [entry.model_dump(mode="json") for entry in allowed],
                "tenants": tenants,
            }
        )
        return
    typer.echo(f"Cell {cell.name}")
    print_facts(
        (
            ("Environment", cell.environment),
            ("Account", cell.account),
            ("Region", f"{cell.region} ({cell.cloud})"),
            ("Owner", f"{cell.owner}, cost centre {cell.cost_centre}"),
            (
                "Network",
                f"{cell.network.cidr}, NAT {cell.network.nat}, endpoints {cell.network.endpoints}",
            ),
            ("VPN", f"{cell.vpn.clients} for {', '.join(cell.vpn.groups)}"),
            ("Kubernetes", f"{cell.kubernetes.version}, cluster {derived['cluster']}"),
            ("Domain", derived["domain"]),
            ("Tenants", ", ".join(tenants) or "none"),
        )
    )
    typer.echo("\nSubnets")
    print_table(
        ("Zone", "Public", "Private", "Isolated"),
        zip(cell.zones, subnets.public, subnets.private, subnets.isolated, strict=True),
    )
    typer.echo("\nNodes")
    pools = {"system": cell.kubernetes.system_nodes, **cell.kubernetes.node_pools}
    print_table(
        ("Pool", "Nodes", "Capacity", "Instance types"),
        [_pool_row(pool_name, pool) for pool_name, pool in pools.items()],
    )
    typer.echo("\nDatabases")
    print_table(
        ("Database", "Engine", "Size", "Readers", "Backups", "Cluster"),
        [
            (key, *database_facts(settings), names.database_cluster(cell, key))
            for key, settings in cell.databases.items()
        ],
    )
    typer.echo("\nAllow-list of every tenant")
    print_table(("Network", "Whose"), [(entry.cidr, entry.description) for entry in allowed])


def database_facts(settings: DatabaseSettings) -> tuple[str, str, str, str]:
    """A database's engine, size, number of readers and backups, in words."""
    size = settings.instance_class or ""
    if settings.serverless is not None:
        size = f"{settings.serverless.minimum:g} to {settings.serverless.maximum:g} ACU"
    backups = f"{settings.backup_retention_days} days, {settings.backup_region}"
    return f"PostgreSQL {settings.engine_version}", size, str(settings.readers), backups


def _pool_row(name: str, pool: NodePool) -> tuple[str, str, str, str]:
    nodes = f"{pool.minimum} to {pool.maximum}"
    return name, nodes, pool.capacity, ", ".join(pool.instance_types)


def _tenants(catalog: Catalog, cell: Cell) -> list[str]:
    return [t.name for t in catalog.tenants.values() if t.placement.cell == cell.name]


def _summary(catalog: Catalog, cell: Cell) -> dict[str, Any]:
    return {
        "name": cell.name,
        "environment": cell.environment,
        "cloud": cell.cloud,
        "account": cell.account,
        "region": cell.region,
        "zones": cell.zones,
        "network": cell.network.cidr,
        "kubernetes": cell.kubernetes.version,
        "databases": {name: db.engine_version for name, db in cell.databases.items()},
        "tenants": _tenants(catalog, cell),
    }
