"""Reads from GitHub when stacks differed from what was brought up: the issues of `drift`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from catalog.base import CatalogModel
from delivery.github import ask

AUTHOR = "github-actions[bot]"
TITLE = "Drift: "
PAGE = 100


class DriftIssue(CatalogModel):
    """One stack that differed for a while."""

    stack: str
    opened: datetime
    closed: datetime | None
    address: str


def drift_issues(api: str, repository: str, token: str) -> list[DriftIssue]:
    """Every issue that the workflow ever kept, open or closed, the first one first.

    Source: https://docs.github.com/en/rest/issues/issues ("List repository issues").

    Raises:
        RefusedError: GitHub does not tell.
    """
    found: list[dict[str, Any]] = []
    page = 1
    while True:
        query = f"labels=drift&state=all&sort=created&direction=asc&per_page={PAGE}&page={page}"
        some = ask(
            f"{api}/repos/{repository}/issues?{query}",
            token,
            what="what drifted",
            remedy="run it again",
        )
        found += some
        if len(some) < PAGE:
            break
        page += 1
    return [
        DriftIssue(
            stack=each["title"].removeprefix(TITLE),
            opened=each["created_at"],
            closed=each["closed_at"],
            address=each["html_url"],
        )
        for each in found
        if each["user"]["login"] == AUTHOR
        and each["title"].startswith(TITLE)
        and "pull_request" not in each
    ]
