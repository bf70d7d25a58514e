"""`patchworks cell evacuate`: writes where the tenants of a cell shall go, for a review."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from scripts.asking import YesOption, ask
from scripts.catalog_options import CatalogOption, JsonOption, pick, print_json
from scripts.exits import ExitCode
from scripts.state_option import StateOption
from scripts.tables import print_table
from scripts.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tenant_moves.fleet.evacuation import Evacuation


def evacuate(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="The cell that is to be empty.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="CELL", help="The one cell that takes all.")
    ] = None,
    spread: Annotated[
        bool, typer.Option("--spread", help="Over all other cells of the same environment.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, and write nothing.")
    ] = False,
    yes: YesOption = False,
    catalog: CatalogOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan by capacity where a cell's tenants go, and write it into their files for a review.

    Nothing moves: once the change is merged, `patchworks moves enqueue` begins the moves. Tenants
    that are suspended, being created or deleted stay, and are named. Exit code 3 means that a
    tenant fits nowhere, and that nothing was written.
    """
    from catalog.load import find_root, load
    from database_moves.errors import RefusedError
    from rehearsal.local_cloud import DIRECTORY, LocalCloud
    from tenant_moves.fleet import evacuation, standing
    from tenant_moves.local import LocalPlatform, Silent

    if (to is None) != spread:
        raise typer.BadParameter("give either --to CELL or --spread")
    root = find_root(catalog)
    loaded = load(root)
    for name in (cell, to):
        if name is not None:
            pick(loaded.cells, name, "cell")
    try:
        targets = evacuation.targets_of(loaded, cell, to)
        platform = LocalPlatform(loaded, LocalCloud(state or root / DIRECTORY), Silent())
        found = evacuation.plan(loaded, cell, targets, standing.unsettled(platform, cell))
    except evacuation.CanNotEvacuateError as refusal:
        _refuse(refusal, refusal.reasons, as_json)
    except RefusedError as refusal:
        _refuse(refusal, (), as_json)
    changed = _changed(root, found)
    faults = _faults(root, changed)
    if faults:
        _refuse(RefusedError(f"the catalog would have {len(faults)} faults"), faults, as_json)
    if not as_json:
        _print(found)
    if found.relocations and not dry_run:
        if not yes:
            ask(f"Write this into {len(changed)} files?")
        _write(root, changed)
    if as_json:
        print_json(_document(found, written=not dry_run))
    elif not dry_run and found.relocations:
        typer.echo(
            f"\nwrote {len(changed)} files in {root / 'tenants'}; nothing moves yet. Read the "
            "change with `git diff`, have it reviewed and merged, and then run `patchworks moves "
            "enqueue`."
        )
    if found.left_out and not as_json:
        count = len(found.left_out)
        everybody = count + len(found.relocations)
        typer.echo(
            f"{cell} will not be empty: {count} of its {counted(everybody, 'tenant')} "
            f"{'stays' if count == 1 else 'stay'}"
        )


def _changed(root: Path, found: Evacuation) -> dict[str, bytes]:
    from catalog.rewriting import with_values

    changed = {}
    for relocation in found.relocations:
        file = f"tenants/{relocation.tenant}.yaml"
        # Bytes, so that line ends stay what they are.
        text = (root / file).read_bytes().decode()
        changed[file] = with_values(text, relocation.values).encode()
    return changed


def _faults(root: Path, changed: dict[str, bytes]) -> list[str]:
    from catalog.load import read

    return [str(fault) for fault in read(root, changed)[1]]


def _write(root: Path, changed: dict[str, bytes]) -> None:
    """Write every file, each whole or not at all."""
    drafts: list[tuple[Path, Path]] = []
    try:
        for file, content in changed.items():
            path = root / file
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            drafts.append((draft, path))
            draft.write_bytes(content)
            draft.chmod(path.stat().st_mode & 0o7777)
        for draft, path in drafts:
            draft.replace(path)
    finally:
        for draft, _ in drafts:
            draft.unlink(missing_ok=True)


def _print(found: Evacuation) -> None:
    from tenant_moves.slices import key

    for tenant, why in found.left_out.items():
        typer.echo(f"{tenant} stays: it {why}")
    if not found.relocations:
        if not found.left_out:
            typer.echo(f"{found.cell} has no tenants")
        return
    if found.left_out:
        typer.echo()
    print_table(
        ("Tenant", "Tier", "From", "To", "PostgreSQL", "Connections"),
        [
            (
                move.tenant,
                move.tier,
                key(move.source),
                key(move.target),
                " to ".join(dict.fromkeys(move.versions)),
                str(move.connections),
            )
            for move in found.relocations
        ],
    )
    typer.echo()
    print_table(
        ("Limit of", "Unit", "Now", "Then", "Limit", "Full"),
        [
            (
                after.what,
                after.unit,
                str(before.used),
                str(after.used),
                str(after.limit),
                f"{100 * after.fill:.0f} %",
            )
            for before, after in ((filled.before, filled.after) for filled in found.filled)
        ],
    )


def _document(found: Evacuation, *, written: bool) -> dict[str, Any]:
    from tenant_moves.slices import key

    return {
        "exit": int(ExitCode.DONE),
        "cell": found.cell,
        "written": written,
        "tenants": [
            {
                "tenant": move.tenant,
                "tier": move.tier,
                "source": key(move.source),
                "target": key(move.target),
                "versions": move.versions,
                "connections": move.connections,
            }
            for move in found.relocations
        ],
        "left_out": [{"tenant": tenant, "why": why} for tenant, why in found.left_out.items()],
        "limits": [
            {
                "of": filled.after.what,
                "unit": filled.after.unit,
                "before": filled.before.used,
                "after": filled.after.used,
                "limit": filled.after.limit,
            }
            for filled in found.filled
        ],
    }


def _refuse(refusal: Exception, reasons: Iterable[str], as_json: bool) -> NoReturn:
    lines = list(reasons)
    for line in lines:
        typer.echo(line, err=True)
    typer.echo(f"patchworks: refused: {refusal}; nothing was written", err=True)
    if as_json:
        print_json({"exit": int(ExitCode.REFUSED), "error": str(refusal), "reasons": lines})
    raise typer.Exit(ExitCode.REFUSED)
