"""What a move takes, and what it costs meanwhile, against what one would use instead.

    python -m benchmarks.move [copy] [cutover] [load] [--quick] [--shapes a b c] [--rounds 3]

`--quick` runs everything at a size at which figures mean little, in about a minute.
"""

from __future__ import annotations

import argparse
import signal
import sys

from benchmarks.move import bed as beds
from benchmarks.move import copying, cutover, load

QUICK = 0.01


def main() -> None:
    """Measure the parts that are asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("parts", nargs="*", choices=["copy", "cutover", "load", []], metavar="PART")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--shapes", nargs="+", choices=sorted(beds.SHAPES), default=[*beds.SHAPES])
    parser.add_argument("--size", type=float, default=None, help="of the shapes, 1 by default")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--only-ours", action="store_true")
    options = parser.parse_args()
    # Ended from outside, it takes its servers along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    parts = options.parts or ["copy", "cutover", "load"]
    size = options.size or (QUICK if options.quick else 1.0)
    with beds.made() as bed:
        if "copy" in parts:
            print(copying.SAID)
            for shape in options.shapes:
                results = copying.compare(
                    *(bed, shape, size),
                    rounds=options.rounds or (1 if options.quick else 3),
                    only_ours=options.only_ours,
                )
                print(f"\n{copying.table(shape, results)}", flush=True)
        if "cutover" in parts:
            swaps, by_hands = (2, 1) if options.quick else (20, 5)
            print(f"\n{cutover.SAID}\n")
            for line in cutover.table(bed, swaps, by_hands):
                print(line, flush=True)
        if "load" in parts:
            print(f"\n{load.SAID}\n")
            print(load.table(bed, size, seconds=2 if options.quick else 8), flush=True)


if __name__ == "__main__":
    main()
