"""One trail records the whole organization, in every region, and its files are validated."""

from __future__ import annotations

from policies.resource_types import TRAIL
from policies.rule import Rule, expects

RULE = Rule(
    __name__,
    severity="high",
    why="What happens in a region that nobody watches is where an intruder works; a file "
    "that can be altered proves nothing.",
    remedy="Set isOrganizationTrail, isMultiRegionTrail, includeGlobalServiceEvents and "
    "enableLogFileValidation.",
    evaluate=expects(
        TRAIL,
        {
            "isOrganizationTrail": True,
            "isMultiRegionTrail": True,
            "includeGlobalServiceEvents": True,
            "enableLogFileValidation": True,
        },
        needed_in=("organization",),
    ),
)
