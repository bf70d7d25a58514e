"""Asks GitHub's API, with a token that may read."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from delivery.checkout import RefusedError

SECONDS = 30


def ask(address: str, token: str, *, what: str, remedy: str) -> Any:
    """What GitHub answers, as its JSON is; `what` it was to tell is for people.

    Raises:
        RefusedError: GitHub does not tell; `remedy` is what to do.
    """
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
            return json.load(answer)
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise RefusedError(f"GitHub does not tell {what}: {error}", remedy) from None
