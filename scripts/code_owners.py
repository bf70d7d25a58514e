"""Writes `.github/CODEOWNERS` from the catalog, or with `--check` compares it: `make docs`.

GitHub takes the last line that matches, and any one of its owners; so the general comes first.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.load import find_root, load
from catalog.reviewers import operators, security

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.catalog import Catalog

FILE = Path(__file__).resolve().parent.parent / ".github" / "CODEOWNERS"

GUARDS = (
    "/.ci/",
    "/.github/",
    "/components/aws/audit*",
    "/components/aws/boundaries.py",
    "/components/aws/ci_roles.py",
    "/components/aws/deploy_rights.py",
    "/components/aws/drift_rights.py",
    "/components/aws/dut*",
    "/components/aws/github_oidc.py",
    "/components/aws/guard*",
    "/components/aws/image_reading_rights.py",
    "/components/aws/keys.py",
    "/components/aws/log_archive*",
    "/components/aws/looking_rights.py",
    "/components/aws/people.py",
    "/components/aws/policy_document.py",
    "/components/aws/preview_rights.py",
    "/components/aws/shared_role.py",
    "/components/github/",
    "/components/kubernetes/image_*",
    "/components/postgresql/",
    "/delivery/proposal.py",
    "/policies/",
    "/qa/",
    "/requirements*.lock",
    "/stacks/looking.py",
    "/stacks/organization*",
)
"""What decides who may do what, what is recorded, and what a change must pass."""

HEAD = """\
# Written by `make docs` from the catalog's owners and duties. A placement can't be told from the
# rest of a tenant's file here: operators let a move in by the environment `tenant-moves`.
"""


def text(catalog: Catalog) -> str:
    """The whole file."""
    organization = catalog.organization

    def teams(groups: Iterable[str]) -> str:
        return " ".join(f"@{organization.repository.owner}/{group}" for group in groups)

    lines = [("*", teams(operators(organization)))]
    lines += [
        (f"/cells/{name}.yaml", teams(dict.fromkeys((cell.owner, *operators(organization)))))
        for name, cell in sorted(catalog.cells.items())
    ]
    lines += [
        (f"/tenants/{name}.yaml", teams((tenant.owner,)))
        for name, tenant in sorted(catalog.tenants.items())
    ]
    lines += [(pattern, teams(security(organization))) for pattern in GUARDS]
    lines += [
        ("/organization.yaml", teams(security(organization))),
        (f"/{organization.identity_provider.saml_metadata}", teams(security(organization))),
    ]
    width = max(len(pattern) for pattern, _ in lines)
    return HEAD + "".join(f"{pattern:<{width}}  {owners}\n" for pattern, owners in lines)


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or say that it is stale."""
    parser = argparse.ArgumentParser(prog="python -m scripts.code_owners", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 where the file is stale")
    parser.add_argument("--file", type=Path, default=FILE, help="the file")
    options = parser.parse_args(arguments)
    file: Path = options.file
    wanted = text(load(find_root()))
    if file.is_file() and file.read_text(encoding="utf-8") == wanted:
        return 0
    if options.check:
        sys.stderr.write(f"{file.name} is stale; run `make docs`\n")
        return 1
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
