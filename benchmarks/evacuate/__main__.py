"""Empties a cell of small tenants whose applications write, with 1, 2 and 4 workers.

    python -m benchmarks.evacuate [--tenants 10] [--workers 1 2 4]
    python -m benchmarks.evacuate --quick

`--directory` keeps the cells and tenants, so that `--prepare` may make them in one run, and others
measure one number of workers each. Every number of workers has tenants of its own; a server of the
local cloud has 40 replication slots, of which each tenant holds one until its move is ended, and
takes 497 connections, of which each tenant may open 15: 33 tenants in all.
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
    from collections.abc import Iterator, Sequence

QUICK = 2


def main() -> None:
    """Measure each number of workers that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tenants", type=int, default=10, help="for each number of workers")
    parser.add_argument("--workers", type=int, nargs="+", default=None)
    parser.add_argument("--quick", action="store_true", help="two tenants; figures mean little")
    parser.add_argument("--directory", type=Path, help="where the cells are made, and left")
    parser.add_argument("--prepare", action="store_true", help="make the cells, measure nothing")
    options = parser.parse_args()
    counts = options.workers or ([1, 2] if options.quick else [1, 2, 4])
    tenants = QUICK if options.quick else options.tenants
    with _bed(options.directory, counts, tenants) as bed:
        if options.prepare:
            return
        print("\n".join(COLUMNS), flush=True)
        for count in counts:
            mine = [name for name in bed.tenants if name.startswith(f"w{count}-")]
            print(row(measure(bed, Round(count, tuple(mine)))), flush=True)


@contextlib.contextmanager
def _bed(kept: Path | None, counts: Sequence[int], tenants: int) -> Iterator[FleetJourney]:
    if kept is not None and (kept / "store-url").exists():
        yield FleetJourney.found(kept)
        return
    with tempfile.TemporaryDirectory() as made:
        directory = kept or Path(made)
        directory.mkdir(parents=True, exist_ok=True)
        names = [f"w{count}-{number:03}" for count in counts for number in range(tenants)]
        bed = FleetJourney(directory, names)
        try:
            bed.rehearse()
            bed.install()
            yield bed
        finally:
            if kept is None:
                bed.stop()


if __name__ == "__main__":
    main()
