"""Reads from GitHub when stacks differed from what was brought up: the issues of `drift`."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

from catalog.base import CatalogModel
from delivery.checkout import RefusedError

SECONDS = 30
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
        some = _call(f"{api}/repos/{repository}/issues?{query}", token)
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


def _call(address: str, token: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(  # noqa: S310 - the address is the workflow's own
        address,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return list(json.load(answer))
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise RefusedError(f"GitHub does not tell what drifted: {error}", "run it again") from None
