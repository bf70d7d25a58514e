"""Which requests go to which service: the arithmetic of a load balancer's listener rules."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTS_PER_RULE: Final = 3
"""A rule's conditions hold five values in all, and a path takes up to two of them.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
"""

_PRIORITIES_PER_DEPTH: Final = 2000
_DEEPEST: Final = 23
"""24 depths of 2,000 priorities each fit into the 50,000 that a listener has."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """A service that is reached from outside."""

    service: str
    path: str
    """Path prefix, starting with a slash; matches whole segments only."""
    port: int
    health_path: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One listener rule."""

    service: str
    part: int
    """Counts the rules of one service, which has more than one where hostnames are many."""
    priority: int
    hostnames: tuple[str, ...]
    paths: tuple[str, ...]


def rules(routes: Sequence[Route], hostnames: Sequence[str]) -> tuple[Rule, ...]:
    """The rules for all routes under all hostnames; the deeper path is matched first.

    A rule's priority follows from its own path and hostnames, so that a new route does not move
    the others: AWS refuses two rules of one priority, even for the moment of an update.

    Raises:
        ValueError: two routes share a path, or a service has two.
    """
    _check(routes)
    groups = [
        tuple(hostnames[start : start + HOSTS_PER_RULE])
        for start in range(0, len(hostnames), HOSTS_PER_RULE)
    ]
    found: list[Rule] = []
    taken: set[int] = set()
    for route in sorted(routes, key=lambda route: route.path):
        for part, group in enumerate(groups):
            priority = _priority(route.path, group, taken)
            taken.add(priority)
            found.append(
                Rule(
                    service=route.service,
                    part=part,
                    priority=priority,
                    hostnames=group,
                    paths=patterns(route.path),
                )
            )
    return tuple(sorted(found, key=lambda rule: rule.priority))


def patterns(path: str) -> tuple[str, ...]:
    """The path patterns of a prefix: `/api` is matched by `/api` and `/api/x`, not by `/apis`."""
    prefix = path.rstrip("/")
    return (prefix, f"{prefix}/*") if prefix else ("/*",)


def _check(routes: Sequence[Route]) -> None:
    faults = []
    for what, values in (
        ("path", [route.path.rstrip("/") or "/" for route in routes]),
        ("service", [route.service for route in routes]),
    ):
        doubled = sorted({value for value in values if values.count(value) > 1})
        faults += [f"{what} {value} has {values.count(value)} routes" for value in doubled]
    if faults:
        raise ValueError(f"{'; '.join(faults)}; one is allowed")


def _priority(path: str, hostnames: tuple[str, ...], taken: set[int]) -> int:
    depth = min(path.strip("/").count("/") + 1 if path.strip("/") else 0, _DEEPEST)
    first = (_DEEPEST - depth) * _PRIORITIES_PER_DEPTH + 1
    digest = hashlib.sha256("\n".join((path, *hostnames)).encode()).digest()
    offset = int.from_bytes(digest[:4], "big") % _PRIORITIES_PER_DEPTH
    while first + offset in taken:
        offset = (offset + 1) % _PRIORITIES_PER_DEPTH
    return first + offset
