"""GuardDuty watches every account in every region in use, EKS audit logs too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.rule import Rule, Verdict, differences, each
from policies.stack import at, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

DETECTOR = "aws:guardduty/detector:Detector"
MEMBERS = "aws:guardduty/organizationConfiguration:OrganizationConfiguration"
FEATURE = "aws:guardduty/organizationConfigurationFeature:OrganizationConfigurationFeature"


@each(MEMBERS, needed_in=("organization",))
def of_members(members: Resource, _: Stack) -> Iterator[str]:
    """Detectors that new accounts do not join."""
    return differences(members, {"autoEnableOrganizationMembers": "ALL"})


@each(DETECTOR, needed_in=("organization",))
def of_detectors(detector: Resource, stack: Stack) -> Iterator[str]:
    """Detectors that are off, and regions that accounts do not join, or without audit logs."""
    yield from differences(detector, {"enable": True})
    here = region(detector)
    for type, what in ((MEMBERS, "accounts join it"), (FEATURE, "EKS audit logs are read")):
        said = [
            each
            for each in stack.of_type(type)
            if at(each.inputs, "name") in (None, "EKS_AUDIT_LOGS") and region(each) == here
        ]
        if not said:
            yield f"nothing says that {what} in {here}"


def region(resource: Resource) -> str:
    """The region that a resource names."""
    return shown(at(resource.inputs, "region"))


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Members, and detectors."""
    yield from of_members(stack)
    yield from of_detectors(stack)


RULE = Rule(
    __name__,
    severity="high",
    why="An account or region that it does not watch is the one that is used to mine coins.",
    remedy="Set autoEnableOrganizationMembers to ALL and enable EKS_AUDIT_LOGS for each detector.",
    evaluate=evaluate,
)
