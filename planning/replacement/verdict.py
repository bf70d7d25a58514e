"""What is known of a changed property: it replaces the resource, it does not, or nobody can say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Answer = Literal["replaces", "in place", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, and what it rests on."""

    answer: Answer
    why: str = ""


IN_PLACE = Verdict("in place")


def steps(path: str) -> tuple[str, ...]:
    """The names along a path; items of lists are `*`: `spec.ports[name=http].port`."""
    plain = re.sub(r"\[[^\]]*\]", ".*", path)
    return tuple(step for step in plain.split(".") if step)


def touches(changed: tuple[str, ...], fixed: tuple[str, ...]) -> bool:
    """Whether a change at one path is one of what lies at another, above it or below it."""
    return all(
        one in ("*", other) or other == "*" for one, other in zip(changed, fixed, strict=False)
    )
