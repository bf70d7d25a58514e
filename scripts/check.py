"""`patchworks check`: every fault of the catalog in one run."""

from __future__ import annotations

import typer

from scripts.catalog_options import CatalogOption, JsonOption, print_json
from scripts.exits import ExitCode
from scripts.wording import counted

app = typer.Typer(add_completion=False)


@app.command()
def check(catalog: CatalogOption = None, as_json: JsonOption = False) -> None:
    """Report every fault of the catalog, with file and line.

    Each fault has the value that was given, what is allowed and what to do. The exit code is 1
    where there are any.
    """
    from catalog.load import find_root, read

    root = find_root(catalog)
    loaded, faults = read(root)
    if as_json:
        print_json({"ok": not faults, "faults": [fault.as_dict() for fault in faults]})
    elif loaded is not None:
        typer.echo(
            f"no faults: the organization, {counted(len(loaded.cells), 'cell')} and "
            f"{counted(len(loaded.tenants), 'tenant')} are in order"
        )
    else:
        for fault in faults:
            typer.echo(f"{fault}\n")
        files = len({fault.file for fault in faults})
        typer.echo(f"{counted(len(faults), 'fault')} in {counted(files, 'file')}")
    if faults:
        raise typer.Exit(ExitCode.FAULTS)
