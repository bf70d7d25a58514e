"""Versions that go the wrong way or too far, and databases that restart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from planning.marks.looking import changed, mark, named, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from planning.compared import Compared
    from planning.document import Mark
    from planning.marks.looking import Case

_DATABASES = (
    "aws:rds/cluster:Cluster",
    "aws:rds/clusterInstance:ClusterInstance",
    "aws:rds/instance:Instance",
)
_RESTARTS = (
    "instanceClass",
    "engineVersion",
    "port",
    "caCertIdentifier",
    "dbParameterGroupName",
    "dbClusterParameterGroupName",
    "performanceInsightsEnabled",
)
"""Changes that RDS makes by restarting; applied at once, as every cluster here asks for.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Modifying.html
"""
_CLUSTERS = ("aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup")


def engine(case: Case) -> Iterator[Mark]:
    """A database engine's version is lowered, which RDS refuses."""
    compared, change = case.compared, case.change
    if change.type not in _DATABASES:
        return
    for each in changed(change, "engineVersion"):
        before, after = _version(each.before), _version(each.after)
        if before and after and after < before:
            yield mark(
                "engine-version-lowered",
                "high",
                f"{named(compared)} goes from version {each.before} back to {each.after}: RDS "
                "refuses, and only a restore into a new cluster gets there",
                each.path,
            )
        elif before and after and before[0] != after[0]:
            yield mark(
                "restarts-database",
                "high",
                f"{named(compared)} is upgraded from {each.before} to {each.after}, a major "
                "version: it is down for minutes, and there is no way back",
                each.path,
            )


def restarts(case: Case) -> Iterator[Mark]:
    """A database server restarts, so every connection to it is lost."""
    compared, change = case.compared, case.change
    if compared.before is None or compared.after is None:
        return
    if change.type in _DATABASES:
        for each in changed(change, *_RESTARTS):
            if each.path == "engineVersion" and _version(each.after) < _version(each.before):
                continue
            text = (
                f"{named(compared)} restarts: {each.path} from {plain(each.before)} "
                f"to {plain(each.after)}"
            )
            yield mark("restarts-database", "high", text, each.path)
    if change.type.startswith("aws:rds/") and change.type.endswith("ParameterGroup"):
        for each in change.properties:
            name = re.search(r"parameters\[name=([^\]]*)\]", each.path)
            if name and _waits_for_restart(compared, name[1]):
                text = f"{named(compared)}: {name[1]} takes effect when the database restarts"
                yield mark("restarts-database", "medium", text, each.path)


def kubernetes(case: Case) -> Iterator[Mark]:
    """A cluster's version is lowered, which EKS refuses, or skips one, which it refuses as well."""
    compared, change = case.compared, case.change
    if change.type not in _CLUSTERS or compared.before is None or compared.after is None:
        return
    for each in changed(change, "version"):
        before, after = _version(each.before), _version(each.after)
        if len(before) < 2 or len(after) < 2:
            continue
        if after < before:
            text = f"{named(compared)} goes from {each.before} back to {each.after}: EKS refuses"
            yield mark("kubernetes-version-lowered", "high", text, each.path)
        elif after[1] - before[1] > 1 or after[0] != before[0]:
            text = (
                f"{named(compared)} goes from {each.before} to {each.after}: EKS upgrades by one "
                "minor version at a time"
            )
            yield mark("kubernetes-version-skipped", "high", text, each.path)


def _version(given: Any) -> tuple[int, ...]:
    if not isinstance(given, str) or not re.fullmatch(r"\d{1,6}(\.\d{1,6})*", given):
        return ()
    return tuple(int(part) for part in given.split("."))


def _waits_for_restart(compared: Compared, name: str) -> bool:
    for resource in (compared.after, compared.before):
        items = resource.inputs.get("parameters", []) if resource is not None else []
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and item.get("name") == name:
                return item.get("applyMethod") == "pending-reboot"
    return False
