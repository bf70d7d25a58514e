"""Finds the catalog on disk and loads it, or reports every fault in it."""

from __future__ import annotations

from pathlib import Path

import yaml

from catalog.catalog import Catalog
from catalog.cell import Cell
from catalog.organization import Organization
from catalog.tenant import Tenant


def find_root() -> Path:
    """The directory that holds organization.yaml: the one this package was installed from."""
    return Path(__file__).resolve().parent.parent


def load(root: Path) -> Catalog:
    """Load the catalog below a directory."""

    def read(path: Path) -> object:
        return yaml.safe_load(path.read_text(encoding="utf-8"))

    return Catalog(
        organization=Organization.model_validate(read(root / "organization.yaml")),
        cells={p.stem: Cell.model_validate(read(p)) for p in sorted(root.glob("cells/*.yaml"))},
        tenants={
            p.stem: Tenant.model_validate(read(p)) for p in sorted(root.glob("tenants/*.yaml"))
        },
    )
