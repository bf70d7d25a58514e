"""Reads from GitHub who let a run's job into an environment, and who did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from delivery.github import ask


@dataclass(frozen=True, slots=True)
class Review:
    """What one person said of a job that waited for an environment."""

    decision: Literal["approved", "rejected"]
    by: str
    comment: str


def reviews(api: str, repository: str, run: str, token: str, environment: str) -> list[Review]:
    """The reviews of one environment in one workflow run, the first one first.

    Source: https://docs.github.com/en/rest/actions/workflow-runs ("Get the review history for a
    workflow run").

    Raises:
        RefusedError: GitHub does not tell.
    """
    found = ask(
        f"{api}/repos/{repository}/actions/runs/{run}/approvals",
        token,
        what=f"who reviewed run {run}",
        remedy="run the job again",
    )
    return [
        Review(each["state"], str(each["user"]["login"]), str(each.get("comment") or ""))
        for each in found
        if each["state"] in ("approved", "rejected") and _is_of(each, environment)
    ]


def _is_of(review: dict[str, Any], environment: str) -> bool:
    return any(each["name"] == environment for each in review.get("environments", ()))
