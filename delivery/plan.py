"""What a delivery would do, told before it begins: which stacks, in which jobs, past what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from delivery.batches import UNMEASURED_SECONDS, Batch, batches
from delivery.gates import missing_before
from delivery.records import WAVES
from stacks.programs import stack_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.desk import Desk
    from delivery.gates import Missing
    from delivery.records import Wave


@dataclass(frozen=True, slots=True)
class WavePlan:
    """What one wave has to do."""

    wave: Wave
    affected: tuple[str, ...]
    unchanged: int
    seconds: float
    """What the affected stacks took last, in all, one after the other."""
    unmeasured: int
    """Stacks among them that were never brought up, each counted as some minutes."""
    jobs: tuple[Batch, ...]
    """At least one, which closes the wave where there is nothing else to do."""
    missing: tuple[Missing, ...]
    """What stands before it now."""


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """All waves of one commit."""

    commit: str
    waves: tuple[WavePlan, ...]
    gone: tuple[str, ...]
    """Stacks that were brought up once and that the commit's catalog no longer has."""


def plan(desk: Desk) -> DeliveryPlan:
    """What delivering the commit would do now."""
    delivered = desk.delivered()
    progress = desk.progress()
    took = {stack: last.seconds for stack, last in delivered.items()}
    now = datetime.now(UTC)
    waves = []
    for wave in WAVES:
        affected = desk.affected(wave, delivered)
        waves.append(
            WavePlan(
                wave=wave,
                affected=tuple(affected),
                unchanged=len(desk.waves[wave]) - len(affected),
                seconds=sum(took.get(stack, UNMEASURED_SECONDS) for stack in affected),
                unmeasured=sum(stack not in took for stack in affected),
                jobs=_jobs(desk, wave, affected, took),
                missing=tuple(missing_before(wave, desk.checklist, progress, now)),
            )
        )
    known = set(stack_names(desk.catalog))
    return DeliveryPlan(desk.commit, tuple(waves), tuple(sorted(set(delivered) - known)))


def _jobs(
    desk: Desk, wave: Wave, affected: list[str], took: Mapping[str, float]
) -> tuple[Batch, ...]:
    if affected:
        cell_of = {stack: desk.cell_of(stack) for stack in affected}
        return tuple(batches(affected, cell_of=cell_of, seconds=took))
    cells = [desk.cell_of(stack) for stack in desk.waves[wave]]
    return (Batch(cells[0] if cells else None, (), 0.0),)


def matrix(wave: WavePlan) -> dict[str, Any]:
    """The wave's jobs as a matrix of GitHub Actions: each on the runners of its cell."""
    return {
        "include": [
            {
                "name": _job_name(job),
                "cell": job.cell or "",
                "stacks": " ".join(job.stacks),
            }
            for job in wave.jobs
        ]
    }


def _job_name(job: Batch) -> str:
    if not job.stacks:
        return "nothing to bring up"
    first = job.stacks[0]
    return first if len(job.stacks) == 1 else f"{first} and {len(job.stacks) - 1} more"


def as_document(found: DeliveryPlan) -> Mapping[str, Any]:
    """The plan as JSON has it; times in seconds."""
    return {
        "commit": found.commit,
        "waves": [
            {
                "wave": each.wave,
                "affected": list(each.affected),
                "unchanged": each.unchanged,
                "seconds": round(each.seconds, 1),
                "unmeasured": each.unmeasured,
                "matrix": matrix(each),
                "missing": [gate.what for gate in each.missing],
            }
            for each in found.waves
        ],
        "gone": list(found.gone),
    }
