"""What a delivery asks of the checkout: that it is the commit, and that the commit was merged."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from planning.commits import CommitError, Repository

if TYPE_CHECKING:
    from pathlib import Path

SHOWN_FILES = 5


class RefusedError(Exception):
    """A delivery can't begin, or a wave may not have the commit yet; nothing was changed.

    Attributes:
        problem: why.
        remedy: what to do.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{problem}; {remedy}" if remedy else problem)


def merged_commit(root: Path, named: str, default_branch: str) -> tuple[Repository, str]:
    """The commit that a name stands for, which must be checked out, unchanged and merged.

    What runs is what lies in the checkout, so anything else there would be delivered unreviewed.

    Raises:
        RefusedError: it is not.
    """
    try:
        repository = Repository.around(root)
        commit = repository.resolve(named)
        head = repository.resolve("HEAD")
    except CommitError as error:
        raise RefusedError(str(error), "") from None
    if commit != head:
        raise RefusedError(
            f"the checkout is at {head[:10]}, not at {commit[:10]}",
            f"git switch --detach {commit[:12]}",
        )
    changed = [line[3:] for line in _git(root, "status", "--porcelain").splitlines()]
    if changed:
        more = f" and {len(changed) - SHOWN_FILES} more" if len(changed) > SHOWN_FILES else ""
        raise RefusedError(
            f"the checkout differs from its commit: {', '.join(changed[:SHOWN_FILES])}{more}",
            "commit and merge it, or put it away (git stash --include-untracked)",
        )
    branches = (f"origin/{default_branch}", default_branch)
    if not any(_leads_to(repository, commit, branch) for branch in branches):
        raise RefusedError(
            f"{commit[:10]} is not merged into {default_branch}",
            "have it reviewed and merged; then `git fetch`",
        )
    return repository, commit


def is_ancestor(repository: Repository, one: str, other: str) -> bool:
    """Whether a commit is another, or one that it was built on."""
    return one == other or repository.merge_base(one, other) == one


def tags(root: Path) -> dict[str, str]:
    """The commit of each tag of a version, the first one first."""
    form = "--format=%(refname:short) %(objectname) %(*objectname)"
    listed = _git(root, "for-each-ref", "--sort=version:refname", form, "refs/tags/v*")
    # An annotated tag is an object of its own, and names its commit beside it.
    return {line.split()[0]: line.split()[-1] for line in listed.splitlines()}


def _leads_to(repository: Repository, commit: str, branch: str) -> bool:
    try:
        tip = repository.resolve(branch)
    except CommitError:
        return False
    return is_ancestor(repository, commit, tip)


def _git(root: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run(  # noqa: S603 - its options are this module's own
        ["git", *arguments],  # noqa: S607 - whichever git the person uses
        cwd=root,
        env=environment | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
