"""What a release is made of, as CycloneDX JSON: locked packages with their hashes, and images."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from catalog.catalog import Catalog

PACKAGE = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.IGNORECASE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def bill(
    *,
    name: str,
    version: str,
    commit: str,
    lock: str,
    catalog: Catalog,
    dependencies: Mapping[str, list[str]],
    at: datetime,
) -> dict[str, Any]:
    """The bill of one commit.

    `lock` is a requirements file with hashes; a package has a hash for each of its files, any of
    which may be installed. `dependencies` has the packages that each asks for.

    Source: https://cyclonedx.org/docs/1.6/json/
    """
    packages = list(_packages(lock))
    known = {_name(each["name"]): each["bom-ref"] for each in packages}
    root = f"pkg:generic/{name}@{version}"
    digest = hashlib.sha256(f"{root} {commit}".encode()).digest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The same commit and version have the same bill.
        "serialNumber": f"urn:uuid:{UUID(bytes=digest[:16], version=4)}",
        "version": 1,
        "metadata": {
            "timestamp": at.isoformat(),
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": name,
                "version": version,
                "properties": [{"name": "patchworks:commit", "value": commit}],
            },
        },
        "components": [*packages, *_images(catalog)],
        "dependencies": [
            {"ref": root, "dependsOn": sorted(known.values())},
            *(
                {
                    "ref": each["bom-ref"],
                    "dependsOn": sorted(
                        known[_name(other)]
                        for other in set(dependencies.get(_name(each["name"]), ()))
                        if _name(other) in known
                    ),
                }
                for each in packages
            ),
        ],
    }


def _packages(lock: str) -> Iterator[dict[str, Any]]:
    for block in re.split(r"\n(?=\S)", lock.replace("\\\n", " ")):
        found = PACKAGE.match(block)
        if found is None:
            continue
        name, version = _name(found[1]), found[2]
        reference = f"pkg:pypi/{name}@{version}"
        yield {
            "type": "library",
            "bom-ref": reference,
            "name": name,
            "version": version,
            "purl": reference,
            "hashes": [
                {"alg": "SHA-256", "content": each} for each in sorted(set(HASH.findall(block)))
            ],
        }


def _images(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """Every image that cells and tenants run, by its digest."""
    organization = catalog.organization
    used = set(organization.images.model_dump().values())
    for tenant in catalog.tenants.values():
        used |= {service.image for service in tenant.services.values()}
    for image in sorted(used):
        path, _, digest = image.partition("@")
        host = f"{organization.registry}/{path}"
        yield {
            "type": "container",
            "bom-ref": f"pkg:oci/{path.rpartition('/')[2]}@{digest}?repository_url={host}",
            "name": path,
            "version": digest,
            "hashes": [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}],
        }


def _name(package: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", package).lower()


def installed_dependencies() -> dict[str, list[str]]:
    """What each package that is installed here asks for, extras aside."""
    from importlib.metadata import distributions

    found: dict[str, list[str]] = {}
    for each in distributions():
        wanted = [text for text in each.requires or () if "extra ==" not in text]
        names = [re.split(r"[\s\[;<>=!~(]", text, maxsplit=1)[0] for text in wanted]
        found[_name(each.metadata["Name"])] = names
    return found
