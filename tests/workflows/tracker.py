"""GitHub's API as far as workflows here use issues: one repository's, kept in this process."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from github_api import answering

BOT = "github-actions[bot]"


class Tracker:
    """Issues of one repository."""

    def __init__(self) -> None:
        self.issues: list[dict[str, Any]] = []
        self.comments: list[tuple[int, str]] = []
        self.address = ""

    def add(
        self,
        title: str,
        *,
        by: str = BOT,
        labels: tuple[str, ...] = ("drift",),
        state: str = "open",
    ) -> None:
        number = len(self.issues) + 1
        self.issues.append(
            {
                "number": number,
                "title": title,
                "body": "old",
                "state": "open",
                "labels": list(labels),
                "user": {"login": by},
                "created_at": "2026-05-01T00:00:00Z",
                "closed_at": None,
                "html_url": f"https://github.example/issues/{number}",
            }
        )

    @property
    def open(self) -> set[str]:
        """Titles of the issues that are open."""
        return {issue["title"] for issue in self.issues if issue["state"] == "open"}

    def answer(self, method: str, path: str, content: Any) -> Any:
        if method == "GET":
            wanted = ("open",) if "state=open" in path else ("open", "closed")
            found = [i for i in self.issues if i["state"] in wanted and "drift" in i["labels"]]
            page = int(re.search(r"[?&]page=(\d+)", path)[1])  # type: ignore[index]
            return found[(page - 1) * 100 : page * 100]
        if method == "POST" and path == "/issues":
            self.add(content["title"], labels=tuple(content["labels"]))
            self.issues[-1]["body"] = content["body"]
            return self.issues[-1]
        number = int(re.search(r"/issues/(\d+)", path)[1])  # type: ignore[index]
        if path.endswith("/comments"):
            self.comments.append((number, content["body"]))
            return {}
        self.issues[number - 1] |= content
        return self.issues[number - 1]


@contextmanager
def tracking() -> Iterator[Tracker]:
    """A tracker that answers at `address` to whoever has the token."""
    kept = Tracker()

    def answer(method: str, path: str, content: Any) -> tuple[int, Any]:
        return 200, kept.answer(method, re.sub(r"^/repos/[^/]+/[^/]+", "", path), content)

    with answering(answer) as kept.address:
        yield kept
