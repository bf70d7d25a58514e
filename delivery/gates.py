"""What must have happened to a commit before a wave may get it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from delivery.waves import before

if TYPE_CHECKING:
    from delivery.checklist import Checklist
    from delivery.records import Progress, Wave


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that a wave waits for."""

    what: str
    remedy: str
    rejected: bool = False
    """Whether people have said no, so that only another commit can go on."""
    until: datetime | None = None
    """When it will have happened by itself; None where somebody must do something."""


def missing_before(
    wave: Wave, checklist: Checklist, progress: Progress, now: datetime
) -> list[Missing]:
    """What is missing before a wave may get the commit, in the order in which it is to happen."""
    found: list[Missing] = []
    commit = progress.commit[:12]
    for earlier in before(wave):
        if earlier not in progress.waves:
            found.append(
                Missing(
                    f"the wave {earlier} has not got this commit",
                    f"patchworks deliver up {commit} --wave {earlier}",
                )
            )
        for name in checklist.checks_after(earlier):
            result = progress.checks.get(name)
            if result is None or not result.passed:
                said = "has not run" if result is None else "failed"
                found.append(
                    Missing(
                        f"the check {name} {said} after {earlier}",
                        f"patchworks deliver up {commit} --wave {earlier}",
                    )
                )
        found += _approvals(earlier, checklist, progress)
        if earlier == "canary" and earlier in progress.waves:
            end = progress.waves[earlier].at + timedelta(minutes=checklist.soak_minutes)
            if end > now:
                found.append(
                    Missing(
                        f"the canary soaks until {end.astimezone(UTC):%H:%M:%S} UTC",
                        "wait, and look at the canary's alarms",
                        until=end,
                    )
                )
    return found


def _approvals(wave: Wave, checklist: Checklist, progress: Progress) -> list[Missing]:
    found = []
    for name, wanted in checklist.approvals_after(wave).items():
        given = progress.approvals.get(name)
        remedy = f"patchworks release approve {progress.commit[:12]} {name} --by NAME"
        if given is None:
            found.append(Missing(f"nobody has given the approval {name}", remedy))
        elif given.decision == "rejected":
            found.append(
                Missing(
                    f"{', '.join(given.by)} rejected it in {name}"
                    + (f": {given.comment}" if given.comment else ""),
                    "mend it in another commit, and deliver that",
                    rejected=True,
                )
            )
        elif len(set(given.by)) < wanted.people:
            found.append(
                Missing(
                    f"{name} was approved by {len(set(given.by))} of {wanted.people} people",
                    remedy,
                )
            )
    return found
