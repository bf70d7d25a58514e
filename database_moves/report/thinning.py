"""Leaves out samples of a long move, but no peak."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from database_moves.state import Sample

PEAKS: tuple[Callable[[Sample], float], ...] = (
    lambda sample: sample.lag_bytes or 0,
    lambda sample: sample.lag_seconds or 0,
    lambda sample: sample.wait_seconds or 0,
)
"""What must not be lost: of each run of samples, the highest of each of these is kept."""


def thin(samples: Sequence[Sample], most: int) -> list[Sample]:
    """At most so many of the samples, which are in order: the last of each run, and its peaks."""
    if len(samples) <= most:
        return list(samples)
    runs = max(1, most // (len(PEAKS) + 1))
    kept: list[Sample] = []
    for run in range(runs):
        begin, end = run * len(samples) // runs, (run + 1) * len(samples) // runs
        chosen = {end - 1}
        for peak in PEAKS:
            measured = [peak(sample) for sample in samples[begin:end]]
            chosen.add(begin + measured.index(max(measured)))
        kept += (samples[number] for number in sorted(chosen))
    return kept
