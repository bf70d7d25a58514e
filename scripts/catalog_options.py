"""Options that every command with a catalog has, and the loading they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.catalog import Catalog

Chosen = TypeVar("Chosen")

CatalogOption = Annotated[
    Path | None,
    typer.Option(
        "--catalog",
        metavar="DIRECTORY",
        help="Where organization.yaml is; by default the checkout that patchworks runs from.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def load_catalog(directory: Path | None) -> Catalog:
    """The catalog below a directory; raises `CatalogFaults` and `CatalogNotFoundError`."""
    from catalog.load import find_root, load

    return load(find_root(directory))


def print_json(value: object) -> None:
    """Print a value as JSON, keys in the order they have."""
    import json

    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def pick(choices: Mapping[str, Chosen], name: str, kind: str) -> Chosen:
    """The cell or tenant of a name; ends in wrong usage, with the nearest name, without one."""
    from catalog.explain import nearest

    if name in choices:
        return choices[name]
    guess = nearest(name, choices)
    hint = f"did you mean {guess}?" if guess else f"`patchworks {kind} list` has them all"
    raise typer.BadParameter(f"there is no {kind} {name!r}; {hint}")
