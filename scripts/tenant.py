"""`patchworks tenant`: what tenants there are, what one is made of, new ones, and moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from scripts import tenant_moving
from scripts.catalog_options import CatalogOption, JsonOption, load_catalog, pick, print_json
from scripts.exits import ExitCode
from scripts.tables import print_facts, print_table

if TYPE_CHECKING:
    from catalog.base import AllowList
    from catalog.catalog import Catalog
    from catalog.cell import Cell
    from catalog.tenant import Tenant

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="List, show, create and move tenants."
)
for command in (
    tenant_moving.move,
    tenant_moving.status,
    tenant_moving.report,
    tenant_moving.rollback,
    tenant_moving.finish,
):
    app.command()(command)

NameArgument = Annotated[str, typer.Argument(help="The tenant's name.")]


@app.command("list")
def list_tenants(
    cell: Annotated[str | None, typer.Option(help="Only the tenants of this cell.")] = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """List tenants with their tier and placement."""
    loaded = load_catalog(catalog)
    if cell is not None:
        pick(loaded.cells, cell, "cell")
    tenants = [t for t in loaded.tenants.values() if cell in (None, t.placement.cell)]
    if as_json:
        print_json([_summary(tenant) for tenant in tenants])
        return
    print_table(
        ("Tenant", "Tier", "Cell", "Database"),
        [(t.name, t.tier, t.placement.cell, t.placement.database) for t in tenants],
    )


@app.command("show")
def show_tenant(
    name: NameArgument, catalog: CatalogOption = None, as_json: JsonOption = False
) -> None:
    """Show a tenant: placement, hostnames, effective allow-list, services and derived names."""
    from catalog import names

    loaded = load_catalog(catalog)
    tenant = pick(loaded.tenants, name, "tenant")
    cell = loaded.cells[tenant.placement.cell]
    placement = tenant.placement
    settings = placement.dedicated or cell.databases[placement.database]
    derived = names.derived(
        loaded.organization, cell, tenant.name, dedicated=placement.dedicated is not None
    )
    allowed = loaded.tenant_allow_list(tenant, cell)
    if as_json:
        print_json(
            tenant.model_dump(mode="json")
            | {
                "effective_allow_list": [entry.model_dump(mode="json") for entry in allowed],
                "engine_version": settings.engine_version,
                "names": {item.kind.lower().replace(" ", "_"): item.name for item in derived},
            }
        )
        return
    company, quota = tenant.company, tenant.quota
    typer.echo(f"Tenant {tenant.name}")
    print_facts(
        (
            ("Name", tenant.display_name),
            ("Company", f"{company.legal_name} ({company.country}), {company.contact}"),
            ("Tier", tenant.tier),
            ("Owner", f"{tenant.owner}, cost centre {tenant.cost_centre}"),
            ("Placement", f"{placement.cell}, {placement.database}"),
            ("Database", f"PostgreSQL {settings.engine_version}"),
            ("Hostnames", ", ".join(tenant.hostnames)),
            (
                "Quota",
                f"{quota.cpu} CPU, {quota.memory}, {quota.pods} pods, "
                f"{quota.storage_gib} GiB, {quota.database_connections} connections",
            ),
            (
                "Retention",
                f"backups {tenant.retention.backups_days}, objects "
                f"{tenant.retention.objects_days}, logs {tenant.retention.logs_days} days",
            ),
        )
    )
    typer.echo("\nAllow-list in effect")
    print_table(("Network", "Whose", "From"), _allowed_rows(loaded, tenant, cell, allowed))
    typer.echo("\nServices")
    print_table(
        ("Service", "Replicas", "CPU", "Memory", "Port", "Path", "Image"),
        [
            (
                key,
                f"{s.minimum_replicas} to {s.maximum_replicas}",
                s.cpu,
                s.memory,
                str(s.port),
                s.path or "internal",
                s.image.partition("@")[0],
            )
            for key, s in tenant.services.items()
        ],
    )
    typer.echo("\nCompany roles")
    print_table(
        ("Role", "Rights", "Group"),
        [(key, role.rights, role.group) for key, role in company.roles.items()],
    )
    typer.echo("\nNames")
    print_facts((item.kind, item.name) for item in derived)


@app.command("new")
def new_tenant(
    name: NameArgument,
    display_name: Annotated[
        str | None, typer.Option(help="Name that people see; by default made from NAME.")
    ] = None,
    legal_name: Annotated[
        str | None, typer.Option(help="The company's legal name; by default the display name.")
    ] = None,
    country: Annotated[
        str, typer.Option(help="The company's country, ISO 3166-1 alpha-2; ZZ is unknown.")
    ] = "ZZ",
    contact: Annotated[
        str | None, typer.Option(help="E-mail address; by default that of the owning group.")
    ] = None,
    tier: Annotated[
        Literal["trial", "standard", "enterprise"], typer.Option(help="Tier of service.")
    ] = "standard",
    cell: Annotated[
        str | None, typer.Option(help="Cell to live in; by default the first one in dev.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="One of the cell's databases; by default its first.")
    ] = None,
    hostname: Annotated[
        str | None, typer.Option(help="By default NAME below the organization's domain.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help="The group that answers for it; by default the cell's.")
    ] = None,
    cost_centre: Annotated[
        str | None, typer.Option(help="Who pays; by default the tenant itself.")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(
            help="Tenant to take services and quota from; by default one of the same tier and cell."
        ),
    ] = None,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the file of a new tenant; an existing one is never touched.

    The file is checked together with the whole catalog before it is written. Exit code 3 means
    that the tenant exists already, 2 that the tenant would be at fault.
    """
    from catalog.load import find_root, load, read
    from scripts.tenant_file import NewTenant, default_hostname, text_of, write_new

    root = find_root(catalog)
    file = f"tenants/{name}.yaml"
    loaded = load(root)
    if name in loaded.tenants:
        _refuse(f"{file} exists already and was left as it is")
    home = _home(loaded, cell)
    owning = _given(owner, home.owner)
    group = loaded.organization.groups.get(owning)
    email = group.email if group is not None else loaded.organization.security_contact
    title = _given(display_name, name.replace("-", " ").title())
    new = NewTenant(
        name=name,
        display_name=title,
        legal_name=_given(legal_name, title),
        country=country,
        contact=_given(contact, email),
        tier=tier,
        cell=home,
        database=_given(database, next(iter(home.databases))),
        hostname=_given(hostname, default_hostname(loaded, home, name)),
        owner=owning,
        cost_centre=_given(cost_centre, name),
        like=_example(loaded, home, tier, like),
    )
    text = text_of(new, email)
    _, faults = read(root, {file: text.encode("utf-8", "surrogateescape")})
    if faults:
        for fault in faults:
            typer.echo(f"{fault}\n", err=True)
        typer.echo("patchworks: nothing was written: the tenant would be at fault", err=True)
        raise typer.Exit(ExitCode.USAGE)
    try:
        write_new(root / file, text)
    except FileExistsError:
        _refuse(f"{file} exists already and was left as it is")
    if as_json:
        print_json({"file": file, "tenant": name})
        return
    typer.echo(f"wrote {root / file}")
    typer.echo("Read it, correct what its comments ask for, and run `patchworks check`.")


def _given(value: str | None, default: str) -> str:
    """What was given, even where it is empty: that is for the check to judge."""
    return default if value is None else value


def _home(catalog: Catalog, name: str | None) -> Cell:
    if name is not None:
        return pick(catalog.cells, name, "cell")
    if not catalog.cells:
        raise typer.BadParameter("there is no cell yet; add one to cells/ first")
    by_environment = {cell.environment: cell for cell in reversed(catalog.cells.values())}
    return by_environment.get("dev") or next(iter(catalog.cells.values()))


def _example(catalog: Catalog, home: Cell, tier: str, name: str | None) -> Tenant:
    """The tenant to take services from: the one named, else the nearest in tier and cell."""
    if name is not None:
        return pick(catalog.tenants, name, "tenant")
    if not catalog.tenants:
        raise typer.BadParameter("there is no tenant yet whose services could be taken")
    return min(
        catalog.tenants.values(),
        key=lambda t: (t.tier != tier, t.placement.cell != home.name, t.name),
    )


def _refuse(reason: str) -> NoReturn:
    typer.echo(f"patchworks: {reason}", err=True)
    raise typer.Exit(ExitCode.REFUSED)


def _allowed_rows(
    catalog: Catalog, tenant: Tenant, cell: Cell, allowed: AllowList
) -> list[tuple[str, str, str]]:
    sources = dict.fromkeys(catalog.organization.networks.offices.values(), "organization")
    sources |= {entry.cidr: f"cell {cell.name}" for entry in cell.allow_list}
    sources |= {entry.cidr: "tenant" for entry in tenant.allow_list}
    return [(entry.cidr, entry.description, sources[entry.cidr]) for entry in allowed]


def _summary(tenant: Tenant) -> dict[str, Any]:
    return {
        "name": tenant.name,
        "display_name": tenant.display_name,
        "environment": tenant.environment,
        "tier": tenant.tier,
        "cell": tenant.placement.cell,
        "database": tenant.placement.database,
        "hostnames": tenant.hostnames,
        "owner": tenant.owner,
    }
