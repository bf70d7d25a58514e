"""The release checklist: what a commit must have shown, and who must have let it through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from catalog.base import CatalogModel, Environment, Line, Slug
from catalog.document import Document
from catalog.draft import entry
from catalog.faults import CatalogFaults
from catalog.yaml_reader import parse

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.catalog import Catalog
    from catalog.draft import Entry
    from catalog.organization import Organization

FILE = "qa/release.yaml"


class AutomatedCheck(CatalogModel):
    """A program that says by its exit code whether a wave serves."""

    after: Literal["dev", "staging", "canary"]
    """The wave that must have been brought up, and that the next one waits behind."""
    why: Annotated[Line, Field(min_length=20, max_length=200)]
    run: Annotated[tuple[Line, ...], Field(min_length=1)]
    """The program and its arguments; no shell reads them."""
    minutes: Annotated[int, Field(ge=1, le=180)] = 15
    """How long it may take before it counts as failed."""


class NamedApproval(CatalogModel):
    """What people try by hand, and say that they have."""

    after: Literal["staging"]
    duty: Literal["operator", "developer", "auditor"]
    environment: Environment
    """Members of the groups that have the duty in this environment may approve."""
    steps: Annotated[tuple[Line, ...], Field(min_length=1)]
    people: Annotated[int, Field(ge=1, le=5)] = 1
    """How many must have approved."""

    def groups(self, organization: Organization) -> tuple[str, ...]:
        """The groups whose members may approve."""
        return tuple(
            name
            for name, group in organization.groups.items()
            if self.duty in group.duties and self.environment in group.environments
        )


class Checklist(CatalogModel):
    """What stands between a commit and production."""

    canary: Slug
    """The production cell that gets a change before the others."""
    soak_minutes: Annotated[int, Field(ge=0, le=1440)]
    """How long the canary serves with a change before the rest gets it."""
    automated: Annotated[dict[Slug, AutomatedCheck], Field(min_length=1)]
    approvals: Annotated[dict[Slug, NamedApproval], Field(min_length=1)]

    def checks_after(self, wave: str) -> dict[str, AutomatedCheck]:
        """The automated checks of a wave, by name."""
        return {name: check for name, check in self.automated.items() if check.after == wave}

    def approvals_after(self, wave: str) -> dict[str, NamedApproval]:
        """The approvals that the wave after this one waits for, by name."""
        return {name: each for name, each in self.approvals.items() if each.after == wave}


def load_checklist(root: Path, catalog: Catalog) -> Checklist:
    """The checklist of a checkout.

    Raises:
        CatalogFaults: the file is missing or faulty; every fault with its line.
    """
    document = Document(FILE)
    try:
        parse(document, (root / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        document.add_at(
            "missing-file",
            1,
            1,
            "there is no release checklist",
            allowed=f"the file {FILE}",
            remedy="bring it back: nothing reaches production without one",
        )
    except UnicodeDecodeError:
        document.add_at(
            "encoding",
            1,
            1,
            "the file is not UTF-8",
            allowed="UTF-8",
            remedy="save it as UTF-8",
        )
    if document.root is None:
        raise CatalogFaults(document.faults)
    read = entry(document, Checklist)
    _judge(read, catalog)
    if document.faults:
        raise CatalogFaults(sorted(document.faults))
    return read.model


def _judge(read: Entry[Checklist], catalog: Catalog) -> None:
    checklist = read.model
    production = sorted(name for name, cell in catalog.cells.items() if cell.environment == "prod")
    canary = getattr(checklist, "canary", None)
    if canary is not None and canary not in production:
        read.fault(
            "unknown-cell",
            ("canary",),
            "the canary is no production cell",
            given=canary,
            allowed=", ".join(production) or "a cell of the environment prod",
            remedy="name the production cell that a change may break with the least harm",
        )
    for wave in ("dev", "staging"):
        automated = getattr(checklist, "automated", None)
        checks = [getattr(each, "after", wave) for each in (automated or {}).values()]
        if automated is not None and wave not in checks:
            read.fault(
                "missing-key",
                ("automated",),
                f"nothing checks {wave}, so that a broken change would go on from there",
                allowed=f"at least one check with `after: {wave}`",
                remedy="add one",
            )
    for name, approval in (getattr(checklist, "approvals", None) or {}).items():
        if not (hasattr(approval, "duty") and hasattr(approval, "environment")):
            continue
        if not approval.groups(catalog.organization):
            read.fault(
                "unknown-group",
                ("approvals", name, "duty"),
                f"no group has the duty {approval.duty} in {approval.environment}, so that nobody "
                "could ever approve",
                given=approval.duty,
                allowed="a duty that a group of organization.yaml has there",
                remedy="name another duty or environment, or give a group this duty",
            )
