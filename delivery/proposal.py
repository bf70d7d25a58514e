"""What a pull request has in its catalog, taken out of git's objects: none of its code is run.

A preview runs the code of the default branch. So it may be had where a pull request changes the
catalog, which is data, and beside it only what no preview runs or reads. All else is refused: what
is left would not say what the change does. A file's bytes are the only thing that is taken, and
only of paths that the catalog has; the pull request is never checked out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.source import MAXIMUM_BYTES
from delivery.checkout import RefusedError
from planning.commits import REGULAR, Blob, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from catalog.catalog import Catalog
    from planning.commits import Entry, Repository

ORGANIZATION_FILE = "organization.yaml"
IGNORED_BELOW = ("docs/", "tests/", "benchmarks/")
IGNORED_FILES = ("README.md", "LICENSE", ".github/CODEOWNERS")
"""What a preview neither runs nor reads. A list of what may differ, not of what may not."""
MOST_BYTES = 32 * 1024 * 1024
"""Of all changed files together: a hundred times ten thousand tenants' lines."""
_FILE = re.compile(r"(cells|tenants)/[a-z][a-z0-9-]{0,60}\.yaml")
_STACK_SETTINGS = re.compile(r"Pulumi\.((cell|tenant)\.[a-z][a-z0-9-]{0,60})\.yaml")
FIXED = ("name", "domain", "home_region", "accounts", "identity_provider", "repository")
"""What of the organization leads its programs to accounts, registries and files: only a merged
change of these is followed."""


class UnfitError(RefusedError):
    """A pull request can't be previewed.

    Attributes:
        files: why, by the path of each file that stands against it.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        # A path need not be text, and is to be printed.
        self.files = {
            path.encode(errors="backslashreplace").decode(): why for path, why in files.items()
        }
        named = "\n".join(f"  {path!r}: {why}" for path, why in self.files.items())
        super().__init__(
            f"no preview, since it runs the default branch's code over the catalog alone:\n{named}",
            "read the plan, which needs no credential; or bring the catalog's part in a pull "
            "request of its own",
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """The changed files of a catalog, on top of the default branch's."""

    commit: str
    files: Mapping[str, bytes | None]
    """By path; None where the file goes."""
    ignored: tuple[str, ...]
    """What else differs, and makes no difference."""


def propose(repository: Repository, main: str, head: str, catalog: Catalog) -> Proposal:
    """What merging `head` into `main` would do to the catalog; `catalog` is main's.

    Raises:
        UnfitError: something else changes that a preview would run or read, or a file is not what
            it should be.
        CommitError: git does not have the commits.
    """
    parted = repository.merge_base(main, head)
    if parted is None:
        raise RefusedError(f"{head[:10]} has nothing in common with {main[:10]}", "rebase it")
    before, now = (_by_path(repository.entries(each)) for each in (parted, main))
    listed = repository.entries(head)
    after = _by_path(listed)
    unfit: dict[str, str] = {}
    if len(after) != len(listed):
        twice = [each.path for each in listed if after[each.path] is not each]
        unfit |= dict.fromkeys(twice, "its tree names this path twice")
    taken: dict[str, Entry | None] = {}
    ignored: list[str] = []
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) == after.get(path) or now.get(path) == after.get(path):
            continue
        if not _is_catalog(path, catalog):
            if _is_ignored(path, now, catalog):
                ignored.append(path)
            else:
                unfit[path] = "a preview runs or reads it, and does so as the default branch has it"
        elif now.get(path) != before.get(path):
            unfit[path] = "the default branch has changed it since; update the branch"
        elif problem := _problem(after.get(path)):
            unfit[path] = problem
        else:
            taken[path] = after.get(path)
    if sum(each.size or 0 for each in taken.values() if each is not None) > MOST_BYTES:
        unfit["the catalog's files"] = f"they are more than {MOST_BYTES:,} bytes in all"
    if unfit:
        raise UnfitError(unfit)
    contents = repository.contents(each.identity for each in taken.values() if each is not None)
    files = {
        path: None if each is None else contents[each.identity] for path, each in taken.items()
    }
    return Proposal(head, files, tuple(ignored))


def lay_out(
    repository: Repository, main: str, proposal: Proposal, catalog: Catalog, directory: Path
) -> None:
    """Write the proposed catalog, and nothing else, below an empty directory."""
    known = repository.files_of(main, main).blobs
    blobs = {path: blob for path, blob in known.items() if _is_catalog(path, catalog)}
    for path, content in proposal.files.items():
        blobs.pop(path, None)
        if content is not None:
            blobs[path] = Blob(content)
    write(blobs, directory)


def check_fixed(before: Catalog, after: Catalog) -> None:
    """Refuse a catalog whose organization is led elsewhere than main's; raises `UnfitError`."""
    moved = [
        field
        for field in FIXED
        if getattr(before.organization, field) != getattr(after.organization, field)
    ]
    if moved or before.saml_metadata != after.saml_metadata:
        named = ", ".join(moved) or "the identity provider's metadata"
        raise UnfitError(
            {ORGANIZATION_FILE: f"it changes {named}, which only merged code is led by"}
        )


def _by_path(entries: list[Entry]) -> dict[str, Entry]:
    return {entry.path: entry for entry in entries}


def _is_catalog(path: str, catalog: Catalog) -> bool:
    metadata = catalog.organization.identity_provider.saml_metadata
    return path in (ORGANIZATION_FILE, metadata) or _FILE.fullmatch(path) is not None


def _is_ignored(path: str, now: Mapping[str, Entry], catalog: Catalog) -> bool:
    if path in IGNORED_FILES or path.startswith(IGNORED_BELOW):
        return True
    settings = _STACK_SETTINGS.fullmatch(path)
    if settings is None or path in now:
        return False
    # Of a stack that is new with it, and so has nothing to be compared with.
    kind, _, name = settings[1].partition(".")
    return name not in (catalog.cells if kind == "cell" else catalog.tenants)


def _problem(entry: Entry | None) -> str:
    if entry is None:
        return ""
    if entry.mode != REGULAR or entry.size is None:
        return "the catalog holds plain files only, and this is a link, a program or a repository"
    if entry.size > MAXIMUM_BYTES:
        return f"it is larger than {MAXIMUM_BYTES:,} bytes"
    return ""
