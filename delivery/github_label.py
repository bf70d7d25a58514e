"""Asks GitHub whether a label that asks for a preview still means the commit, and who set it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from delivery.checkout import RefusedError
from delivery.github import ask

MAY_ASK = ("admin", "maintain", "write")
"""Roles of people who may push. Triage may set labels too, and is not enough."""
_AGAIN = "look at what was pushed, and set the label again"


def check_request(
    api: str, repository: str, token: str, *, number: int, commit: str, label: str, by: str = ""
) -> None:
    """Refuse unless a pull request is open, at this commit, and bears the label.

    A label is of a pull request and not of a commit: what was pushed since is not what was meant.
    Whoever set it (`by`) must be allowed to push; without it, that is not asked again.

    Sources: https://docs.github.com/en/rest/pulls/pulls ("Get a pull request") and
    https://docs.github.com/en/rest/collaborators/collaborators ("Get repository permissions for a
    user").

    Raises:
        RefusedError: it is otherwise, or GitHub does not tell.
    """
    at = f"{api}/repos/{repository}"
    found = ask(f"{at}/pulls/{number}", token, what=f"of pull request {number}", remedy=_AGAIN)
    pull: dict[str, Any] = dict(found)
    head = str(pull["head"]["sha"])
    if pull["state"] != "open":
        raise RefusedError(f"pull request {number} is {pull['state']}", "")
    if head != commit:
        raise RefusedError(
            f"pull request {number} has moved on from {commit[:10]} to {head[:10]}", _AGAIN
        )
    if label not in [each["name"] for each in pull["labels"]]:
        raise RefusedError(f"pull request {number} no longer has the label {label}", _AGAIN)
    if not by:
        return
    answer = ask(
        f"{at}/collaborators/{quote(by, safe='')}/permission",
        token,
        what=f"what {by} may do",
        remedy=_AGAIN,
    )
    role = str(dict(answer).get("role_name"))
    if role not in MAY_ASK:
        raise RefusedError(
            f"{by} set the label and is {role} here",
            f"have it set by somebody who may push ({', '.join(MAY_ASK)})",
        )
