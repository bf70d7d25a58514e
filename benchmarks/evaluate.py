"""How long evaluating tenant stacks takes, against the SDK's own test monitor.

    python -m benchmarks.evaluate [--tenants 1 100 1000] [--jobs N] [--baseline N]

For each number of tenants: seconds from the start of the evaluation to its end with imports done
and with them, milliseconds a stack, and peak memory of all processes together (proportional set
size, so that pages which forked workers share count once). The baseline evaluates the same
programs in one process with `pulumi.runtime.set_mocks`, which is what one would pick instead; it
keeps less of every resource.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from typing import Any

from benchmarks.memory import PeakMemory


def main() -> None:
    """Run every size in a process of its own, so that none profits from the one before."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tenants", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--baseline", type=int, default=20, help="stacks for the baseline")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure-baseline", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        measure(options.measure, options.jobs)
        return
    if options.measure_baseline is not None:
        baseline(options.measure_baseline)
        return
    print(f"{options.jobs} processes, Python {sys.version.split()[0]}")
    print("tenants   total s   after imports s   ms a stack   resources   peak MiB")
    for tenants in options.tenants:
        _again("--measure", tenants, options.jobs)
    _again("--measure-baseline", options.baseline, options.jobs)


def _again(flag: str, number: int, jobs: int) -> None:
    subprocess.run(
        [sys.executable, "-m", "benchmarks.evaluate", flag, str(number), "--jobs", str(jobs)],
        check=True,
    )


def measure(tenants: int, jobs: int) -> None:
    """Evaluate that many tenants' stacks and print a line."""
    began = time.perf_counter()
    peak = PeakMemory()
    from benchmarks.generated import generated_catalog
    from rehearsal.parallel import evaluate_many

    catalog = generated_catalog(tenants)
    _warm(catalog)
    imported = time.perf_counter()
    stacks = [f"tenant.{name}" for name in catalog.tenants]
    sizes = [size for _, size in evaluate_many(catalog, stacks, count_resources, jobs=jobs)]
    ended = time.perf_counter()
    print(
        f"{tenants:7}   {ended - began:7.2f}   {ended - imported:15.2f}   "
        f"{(ended - imported) / tenants * 1000:10.1f}   {sum(sizes):9}   {peak.stop():8.0f}",
        flush=True,
    )


def count_resources(graph: Any) -> int:
    """What the benchmark asks of a graph."""
    return len(graph.resources)


def _warm(catalog: Any) -> None:
    """Import what evaluating any stack imports, by evaluating one of each kind."""
    from rehearsal.evaluation import Evaluation

    Evaluation(catalog).evaluate(f"tenant.{next(iter(catalog.tenants))}")


def baseline(stacks: int) -> None:
    """Evaluate tenants' stacks on our monitor and on the SDK's, in one process; print the ratio."""
    from benchmarks.generated import generated_catalog
    from benchmarks.plain_sdk import evaluate_plainly
    from rehearsal.evaluation import Evaluation

    catalog = generated_catalog(stacks)
    evaluation = Evaluation(catalog)
    names = [f"tenant.{name}" for name in catalog.tenants]
    evaluation.evaluate(names[0])
    exports = evaluation.exports_of
    evaluate_plainly(catalog, names[0], exports)
    ours, plain = 0.0, 0.0
    for name in names:
        began = time.perf_counter()
        evaluation.evaluate(name)
        between = time.perf_counter()
        evaluate_plainly(catalog, name, exports)
        ours += between - began
        plain += time.perf_counter() - between
    print(
        f"one process, {stacks} stacks in turn: {ours / stacks * 1000:.1f} ms a stack here, "
        f"{plain / stacks * 1000:.1f} ms with the SDK's test monitor: {plain / ours:.1f} times",
        flush=True,
    )


if __name__ == "__main__":
    main()
