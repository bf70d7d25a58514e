"""Writes a new tenant's file: valid from the start, with comments that say what to correct."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.source import schema_line
from catalog.yaml_reader import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.catalog import Catalog
    from catalog.cell import Cell
    from catalog.tenant import Service, Tenant, Tier

UNKNOWN_COUNTRY = "ZZ"
"""ISO 3166-1 leaves this code to its users; here it means that nobody has said yet."""

PLAIN = re.compile(r"[A-Za-z]([A-Za-z0-9@._ -]*[A-Za-z0-9.])?|[1-9][0-9]*m")


@dataclass(frozen=True)
class NewTenant:
    """What a person chose for a new tenant, with defaults filled in."""

    name: str
    display_name: str
    legal_name: str
    country: str
    contact: str
    tier: Tier
    cell: Cell
    database: str
    hostname: str
    owner: str
    cost_centre: str
    like: Tenant
    """The tenant whose services and quota the new one starts with."""


def default_hostname(catalog: Catalog, cell: Cell, name: str) -> str:
    """`acme.example.com` in production, `acme.dev.example.com` elsewhere."""
    middle = "" if cell.environment == "prod" else f".{cell.environment}"
    return f"{name}{middle}.{catalog.organization.domain}"


def text_of(new: NewTenant, group_email: str) -> str:
    """The file's text."""
    quota = new.like.quota
    lines = [
        schema_line("tenant"),
        f"name: {_scalar(new.name)}",
        f"display_name: {_scalar(new.display_name)}",
        f"environment: {new.cell.environment}",
        "",
        "company:",
        f"  legal_name: {_scalar(new.legal_name)}",
        f"  country: {_scalar(new.country)}"
        + (" # not known yet" if new.country == UNKNOWN_COUNTRY else ""),
        f"  contact: {_scalar(new.contact)}",
        "  # Who may do what in the tenant's namespace, by Google group: view, operate or",
        "  # administer. Add the customer's own groups here.",
        "  roles:",
        "    administrators:",
        f"      group: {_scalar(group_email)}",
        "      rights: administer",
        "",
        f"tier: {new.tier}",
        "",
        "# To move the tenant, change these and let the change be reviewed.",
        "placement:",
        f"  cell: {_scalar(new.cell.name)}",
        f"  database: {_scalar(new.database)}",
        "",
        "# Below the organization's domain; the first is the one shown to people.",
        "hostnames:",
        f"  - {_scalar(new.hostname)}",
        "",
        "# Networks that may reach this tenant, besides the cell's and the offices':",
        "#   - cidr: 203.0.113.0/24",
        "#     description: Head office",
        "allow_list: []",
        "",
        f"# As {new.like.name} has them.",
        "services:",
    ]
    for name, service in new.like.services.items():
        lines += _service(name, service)
    lines += [
        "",
        "# The most it may ask of the cell; the services' minimum has to fit.",
        "quota:",
        f"  cpu: {_scalar(quota.cpu)}",
        f"  memory: {quota.memory}",
        f"  pods: {quota.pods}",
        f"  storage_gib: {quota.storage_gib}",
        f"  database_connections: {quota.database_connections}",
        "",
        "# The organization's group that answers for the tenant.",
        f"owner: {_scalar(new.owner)}",
        f"cost_centre: {_scalar(new.cost_centre)}",
    ]
    return "\n".join(lines) + "\n"


def write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet, whole or not at all; raises FileExistsError."""
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        # A link fails where the name is taken, even by a file that appeared a moment ago.
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _service(name: str, service: Service) -> list[str]:
    lines = [
        f"  {_scalar(name)}:",
        f"    image: {service.image}",
        f"    port: {service.port}",
        f"    cpu: {_scalar(service.cpu)}",
        f"    memory: {service.memory}",
        f"    minimum_replicas: {service.minimum_replicas}",
        f"    maximum_replicas: {service.maximum_replicas}",
    ]
    if service.path is not None:
        lines.append(f"    path: {service.path}")
    return [*lines, f"    health_path: {service.health_path}"]


def _scalar(text: str) -> str:
    """A string as every YAML reads it back unchanged: plain where that is safe, else quoted."""
    if PLAIN.fullmatch(text) and resolve(text) == text:
        return text
    # YAML is a superset of JSON: the quoted form is the same.
    return json.dumps(text, ensure_ascii=False)
