"""How far a commit has come, read from the records alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from delivery.gates import missing_before
from delivery.records import WAVES, Attempt, Lease, Reached

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from delivery.desk import Desk
    from delivery.gates import Missing
    from delivery.records import Progress


@dataclass(frozen=True, slots=True)
class Status:
    """A delivery as it stands."""

    progress: Progress
    attempts: Mapping[str, Attempt]
    behind: Mapping[str, int]
    """How many stacks of each wave are not as the commit has them."""
    missing: Mapping[str, Sequence[Missing]]
    environments: Mapping[str, Reached]
    leases: Sequence[Lease]
    """Those that have not ended."""


def look(desk: Desk) -> Status:
    """Read how a delivery stands."""
    progress, delivered, now = desk.progress(), desk.delivered(), datetime.now(UTC)
    leases = desk.records.all(Lease, "leases").values()
    return Status(
        progress=progress,
        attempts=desk.attempts(),
        behind={wave: len(desk.affected(wave, delivered)) for wave in WAVES},
        missing={wave: missing_before(wave, desk.checklist, progress, now) for wave in WAVES},
        environments=desk.records.all(Reached, "environments"),
        leases=[lease for lease in leases if lease.until > time.time()],
    )


def lines(found: Status) -> Iterator[str]:
    """The status for people."""
    progress = found.progress
    yield f"Delivery of {progress.commit[:10]}"
    for wave in WAVES:
        done = progress.waves.get(wave)
        behind = found.behind[wave]
        if done is not None:
            state = f"has it since {done.at:%Y-%m-%d %H:%M:%S} UTC"
            state += f"; {behind} stacks differ again" if behind else ""
        elif found.missing[wave]:
            state = f"waits: {found.missing[wave][0].what}"
        else:
            state = f"is next: {behind} stacks to bring up"
        yield f"  {wave:<13}{state}"
    for name, attempt in found.attempts.items():
        if attempt.state == "failed":
            yield f"  failed: {name}: {attempt.problem}"
    for check in progress.checks.values():
        verdict = "passed" if check.passed else f"failed with {check.exit_code}"
        yield f"  check {check.name} {verdict} at {check.at:%H:%M:%S} UTC ({check.run})"
    for approval in progress.approvals.values():
        comment = f": {approval.comment}" if approval.comment else ""
        yield f"  {approval.name} {approval.decision} by {', '.join(approval.by)}{comment}"
    for environment, reached in found.environments.items():
        yield f"{environment} got {reached.commit[:10]} last, at {reached.at:%Y-%m-%d %H:%M:%S} UTC"
    for lease in found.leases:
        yield (
            f"{lease.environment} is being changed by the delivery of {lease.commit[:10]} "
            f"({lease.holder})"
        )


def as_document(found: Status) -> dict[str, Any]:
    """The status as JSON has it."""
    return {
        **found.progress.model_dump(mode="json"),
        "behind": dict(found.behind),
        "missing": {wave: [each.what for each in gates] for wave, gates in found.missing.items()},
        "stacks": {
            name: attempt.model_dump(mode="json") for name, attempt in found.attempts.items()
        },
        "environments": {
            name: reached.model_dump(mode="json") for name, reached in found.environments.items()
        },
        "leases": [lease.model_dump(mode="json") for lease in found.leases],
    }
