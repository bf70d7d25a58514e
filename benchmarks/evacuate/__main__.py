"""Empties a cell of small tenants whose applications write, with 1, 2 and 4 workers.

    python -m benchmarks.evacuate [--tenants 100] [--workers 1 2 4]
    python -m benchmarks.evacuate --quick

Every number of workers has cells and tenants of its own, made before anything is measured. A server
of the local cloud takes 133 of these tenants. `--directory` keeps the cells, so that `--prepare`
may make them in one run, and others measure one number of workers each.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_journey import FleetJourney

from benchmarks.evacuate.round import COLUMNS, Round, measure, row

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = 2


def main() -> None:
    """Measure each number of workers that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tenants", type=int, default=100, help="for each number of workers")
    parser.add_argument("--workers", type=int, nargs="+", default=None)
    parser.add_argument("--quick", action="store_true", help="two tenants; figures mean little")
    parser.add_argument("--directory", type=Path, help="where the cells are made, and left")
    parser.add_argument("--prepare", action="store_true", help="make the cells, measure nothing")
    options = parser.parse_args()
    counts = options.workers or ([1, 2] if options.quick else [1, 2, 4])
    tenants = QUICK if options.quick else options.tenants
    if not options.prepare:
        print("\n".join(COLUMNS), flush=True)
    for count in counts:
        kept = options.directory and options.directory / f"{count}-workers"
        with _bed(kept, tenants) as bed:
            if not options.prepare:
                print(row(measure(bed, Round(count, bed.tenants))), flush=True)


@contextlib.contextmanager
def _bed(kept: Path | None, tenants: int) -> Iterator[FleetJourney]:
    if kept is not None and (kept / "store-url").exists():
        yield FleetJourney.found(kept)
        return
    with tempfile.TemporaryDirectory() as made:
        directory = kept or Path(made)
        directory.mkdir(parents=True, exist_ok=True)
        bed = FleetJourney(directory, [f"small-{number:03}" for number in range(tenants)])
        try:
            bed.rehearse()
            bed.install()
            yield bed
        finally:
            if kept is None:
                bed.stop()


if __name__ == "__main__":
    main()
