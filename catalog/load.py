"""Loads the catalog from its files, or reports every fault in it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from catalog.catalog import Catalog
from catalog.cell import Cell
from catalog.draft import Draft, entry
from catalog.faults import CatalogFaults, Fault
from catalog.organization import Organization
from catalog.rules import judge
from catalog.source import KINDS, Parsed, catalog_files, read_document, strays_beside_organization
from catalog.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Mapping


class CatalogNotFoundError(Exception):
    """There is no organization.yaml where the catalog was expected."""

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__(
            f"there is no catalog in {root}: organization.yaml is missing; "
            "name the directory that holds it with --catalog"
        )


def find_root(directory: Path | None = None) -> Path:
    """The catalog's directory: the given one, else the one that this package stands in.

    Never the working directory: a command means the same wherever it is typed. Raises
    `CatalogNotFoundError` where there is no organization.yaml.
    """
    root = (directory or Path(__file__).parent.parent).resolve()
    if not (root / "organization.yaml").is_file():
        raise CatalogNotFoundError(root)
    return root


def load(root: Path) -> Catalog:
    """Load the catalog below a directory; raises `CatalogFaults` with every fault in it."""
    catalog, faults = read(root)
    if catalog is None:
        raise CatalogFaults(faults)
    return catalog


def read(
    root: Path, proposed: Mapping[str, bytes] | None = None, parsed: Parsed | None = None
) -> tuple[Catalog | None, list[Fault]]:
    """The catalog below a directory and its faults, of which there are none when it loads.

    `proposed` has the bytes of files as they would be, by their path below the root. `parsed` is
    filled with the files that are read, and saves reading what other directories have alike.
    """
    proposed = proposed or {}
    organization = "organization.yaml"
    documents = [
        read_document(root, organization, "organization", proposed.get(organization), parsed)
    ]
    draft = Draft(root, entry(documents[0], Organization))
    for kind in ("cell", "tenant"):
        files, strays = catalog_files(root, kind)
        added = (file for file in proposed if file.startswith(f"{KINDS[kind]}/"))
        for file in sorted({*files, *added}, key=lambda name: name.removesuffix(".yaml")):
            document = read_document(root, file, kind, proposed.get(file), parsed)
            name = PurePosixPath(file).stem
            if kind == "cell":
                draft.cells[name] = entry(document, Cell)
            else:
                draft.tenants[name] = entry(document, Tenant)
            documents.append(document)
        documents += strays
    documents += strays_beside_organization(root)
    judge(draft)
    faults = sorted(fault for document in documents for fault in document.faults)
    if faults:
        return None, faults
    return Catalog(
        organization=draft.organization.model,
        cells={name: cell.model for name, cell in draft.cells.items()},
        tenants={name: tenant.model for name, tenant in draft.tenants.items()},
        saml_metadata=(root / draft.organization.model.identity_provider.saml_metadata).read_text(
            encoding="utf-8"
        ),
    ), []
