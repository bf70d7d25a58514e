"""Keeps one issue for each stack that differs from what was brought up, and closes it by itself.

Standard library only: this runs with a token that may write issues. What it reads was written by
jobs that asked the cloud, so names of resources in it are text, never more.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
from pathlib import Path
from typing import Any

LABEL = "drift"
AUTHOR = "github-actions[bot]"
MOST_BYTES = 4 * 1024 * 1024
MOST_CHARACTERS = 20_000
SECONDS = 30
STACK = re.compile(r"organization|(cell|tenant)\.[a-z][a-z0-9-]{0,60}")
PARTS = ("", "settings")
"""What was looked at: all of a stack, or what AWS holds of it. Neither closes the other's."""


def main() -> int:
    """Open, update and close issues; 1 where what was found can't be read."""
    github = GitHub(
        os.environ["GITHUB_API_URL"], os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_TOKEN"]
    )
    run = os.environ["RUN_URL"]
    found, unreadable = read(Path(os.environ["DRIFT_DIRECTORY"]))
    issues = github.open_issues()
    for name, problem in sorted(found.items()):
        known = issues.get(name)
        if problem:
            github.say(name, f"{problem}\n\nSeen by {run}", known)
        elif known is not None:
            github.close(known["number"], f"Seen no longer by {run}")
    for file in unreadable:
        sys.stderr.write(f"{file} is no list of stacks\n")
    return 1 if unreadable else 0


def title(stack: str, part: str = "") -> str:
    """The issue's title, by which it is found again."""
    return f"Drift: {stack} ({part})" if part else f"Drift: {stack}"


def read(directory: Path) -> tuple[dict[str, str], list[str]]:
    """What each differs in, by title, empty where it does not; and the files that can't be used."""
    found: dict[str, str] = {}
    unreadable = []
    for file in sorted(directory.rglob("*.json")):
        try:
            if file.is_symlink() or file.stat().st_size > MOST_BYTES:
                raise ValueError
            for each in json.loads(file.read_text(encoding="utf-8")):
                part = each.get("part", "")
                if not STACK.fullmatch(each["stack"]) or part not in PARTS:
                    raise ValueError
                found[title(each["stack"], part)] = words(each)
        except (ValueError, KeyError, TypeError, AttributeError):
            unreadable.append(file.name)
    return found, unreadable


def words(each: dict[str, Any]) -> str:
    """One stack's finding for people; empty where there is none."""
    if "problem" in each:
        text = f"It can't be told whether it differs:\n\n    {each['problem']}"
    elif each["differs"]:
        counts = "\n".join(f"- {int(n)} to {name}" for name, n in sorted(each["differs"].items()))
        text = (
            "The stack differs from what was brought up. An update would have:\n\n"
            f"{counts}\n\nIf somebody changed it by hand, take that back or put it into the code; "
            f"then deliver. `pulumi preview --refresh --diff --stack {each['stack']}` shows what."
        )
    else:
        return ""
    # A zero-width joiner keeps the text readable, and GitHub finds no name behind it.
    return re.sub(r"@(?=\w)", "@\N{ZERO WIDTH JOINER}", text)[:MOST_CHARACTERS]


class GitHub:
    """The few calls that are needed."""

    def __init__(self, api: str, repository: str, token: str) -> None:
        self._base = f"{api}/repos/{repository}/issues"
        self._token = token

    def open_issues(self) -> dict[str, dict[str, Any]]:
        """The open issues that this program wrote, by title; the oldest of two alike."""
        found: dict[str, dict[str, Any]] = {}
        page = 1
        while True:
            some = self._call("GET", f"?labels={LABEL}&state=open&per_page=100&page={page}")
            for issue in some:
                if issue["user"]["login"] == AUTHOR and "pull_request" not in issue:
                    found[issue["title"]] = issue
            if len(some) < 100:
                return found
            page += 1

    def say(self, name: str, body: str, known: dict[str, Any] | None) -> None:
        """Open the issue of a title, or write anew what it says."""
        if known is None:
            self._call("POST", "", {"title": name, "body": body, "labels": [LABEL]})
        elif known["body"] != body:
            self._call("PATCH", f"/{known['number']}", {"body": body})

    def close(self, number: int, why: str) -> None:
        """Close an issue, saying why."""
        self._call("POST", f"/{number}/comments", {"body": why})
        self._call("PATCH", f"/{number}", {"state": "closed", "state_reason": "completed"})

    def _call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the address is the workflow's own
            self._base + path,
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
