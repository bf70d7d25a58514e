"""Posts a plan or a preview as the one such comment of its pull request; its artifact is hostile.

Whoever opens a pull request, from a fork too, decides what the workflow that made the artifact
wrote into it. So nothing of it is run, unpacked by a shell or trusted: the pull request that it
names must have the very commit that the run was started for, its text is bounded, and it can call
nobody. Standard library only: this runs with a token that may write comments.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

MARKER = "<!-- patchworks-plan -->"
PREVIEW = "preview"
AUTHOR = "github-actions[bot]"
MOST_CHARACTERS = 65_536
"""Of a comment's body; GitHub refuses longer ones."""
MOST_BYTES = 4 * MOST_CHARACTERS
PAGES = 30
SECONDS = 30


class RefusedError(Exception):
    """The artifact is not what it should be; the text says how."""


def main() -> int:
    """Post or update the comment; 0 also where there is nothing to say."""
    directory = Path(os.environ["ARTIFACT_DIRECTORY"])
    github = GitHub(
        os.environ["GITHUB_API_URL"], os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_TOKEN"]
    )
    kind = os.environ.get("COMMENT", "plan")
    if kind not in ("plan", PREVIEW):
        raise SystemExit(f"COMMENT is {kind!r}; there are plan and {PREVIEW}")
    try:
        number = pull_request(directory)
        body = comment(directory, kind)
        if not github.is_head(number, os.environ["HEAD_SHA"]):
            raise RefusedError(f"pull request {number} no longer has the commit that was planned")
        github.say(number, body, marker(kind))
        if kind == PREVIEW:
            github.unlabel(number, PREVIEW)
    except RefusedError as refused:
        sys.stderr.write(f"not posted: {refused}\n")
        return 1
    return 0


def pull_request(directory: Path) -> int:
    """The number in the artifact: digits, or nothing."""
    text = _read(directory / "pull-request", 20).strip()
    if not re.fullmatch(r"[1-9][0-9]{0,9}", text):
        raise RefusedError("the file pull-request holds no number")
    return int(text)


def marker(kind: str) -> str:
    """What the one comment of a kind begins with, invisibly."""
    return MARKER.replace("plan", kind)


def comment(directory: Path, kind: str = "plan") -> str:
    """The comment's body: marked as ours, bounded, and without a mention that would call people."""
    text = _read(directory / f"{kind}.md", MOST_BYTES)
    # Taking one out could put another together.
    text = re.sub(r"<!--\s*patchworks-\w*\s*-->", "", text).replace("<!--", "&lt;!--")
    # A zero-width joiner keeps the text readable, and GitHub finds no name behind it.
    text = re.sub(r"@(?=[A-Za-z0-9])", "@\N{ZERO WIDTH JOINER}", text)
    first = marker(kind)
    if len(text) + len(first) + 1 > MOST_CHARACTERS:
        cut = f"\n\n**Cut here: too long for a comment. The whole {kind} is the run's artifact.**\n"
        text = text[: MOST_CHARACTERS - len(first) - 1 - len(cut)] + cut
    return f"{first}\n{text}"


def _read(file: Path, most: int) -> str:
    if file.is_symlink() or not file.is_file():
        raise RefusedError(f"the artifact has no file {file.name}")
    if file.stat().st_size > most:
        raise RefusedError(f"{file.name} is larger than {most} bytes")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RefusedError(f"{file.name} is not UTF-8") from None


class GitHub:
    """The few calls that are needed."""

    def __init__(self, api: str, repository: str, token: str) -> None:
        self._base = f"{api}/repos/{repository}"
        self._token = token

    def is_head(self, number: int, commit: str) -> bool:
        """Whether a pull request is open and its latest commit is this one."""
        try:
            found = self._call("GET", f"/pulls/{number}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise RefusedError(f"there is no pull request {number}") from None
            raise
        return found["state"] == "open" and found["head"]["sha"] == commit

    def unlabel(self, number: int, label: str) -> None:
        """Take a label off, so that it can be set for another commit."""
        try:
            self._call("DELETE", f"/issues/{number}/labels/{label}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    def say(self, number: int, body: str, first: str) -> None:
        """Update the comment that this program posted before, or post it."""
        for page in range(1, PAGES + 1):
            found = self._call("GET", f"/issues/{number}/comments?per_page=100&page={page}")
            for each in found:
                if each["user"]["login"] == AUTHOR and each["body"].startswith(first):
                    if each["body"] != body:
                        self._call("PATCH", f"/issues/comments/{each['id']}", {"body": body})
                    return
            if len(found) < 100:
                break
        self._call("POST", f"/issues/{number}/comments", {"body": body})

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
