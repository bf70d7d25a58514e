"""One measurement: some tenants go from one cell to another, driven by some workers."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from fleet_journey import VIRGINIA
from kit.workload import Workload

from catalog.rewriting import with_values

if TYPE_CHECKING:
    from fleet_journey import FleetJourney
    from kit.workload import Audit

COLUMNS = (
    "| workers | tenants | minutes | tenants a minute | longest stall | longest pause | "
    "writes acknowledged | lost | doubled |",
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)
SETTLING = 8
"""So many clients begin, and end, at once."""
PACE_SECONDS = 1.0
"""Between two writes of each tenant's client: what is measured is the moves."""


@dataclass(frozen=True)
class Round:
    """What is measured."""

    workers: int
    tenants: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """What came of it."""

    round: Round
    seconds: float
    """From the moment that a worker takes the first tenant until the last one has ended."""
    longest_stall: float
    """In seconds, from a client's wish to write to the answer."""
    longest_pause: float
    acknowledged: int
    lost: int
    doubled: int


def measure(bed: FleetJourney, asked: Round) -> Measured:
    """Move the tenants, and account for every write."""
    for tenant in asked.tenants:
        file = bed.catalog / f"tenants/{tenant}.yaml"
        file.write_text(with_values(file.read_text(), {("placement", "cell"): VIRGINIA}))
    clients = bed.workloads(asked.tenants, PACE_SECONDS)
    limit = str(2 * asked.workers)
    with contextlib.ExitStack() as stack:
        for each in clients.values():
            stack.callback(each.stop)
        with ThreadPoolExecutor(max_workers=SETTLING) as pool:
            list(pool.map(Workload.start, clients.values()))
        # Not ended: clients come in by the pooler of the cell that is left, which goes at the end.
        queued = bed.enqueue(*asked.tenants, "--per-source", limit, "--per-target", limit)
        assert queued.returncode == 0, queued.stderr
        for worker in [bed.worker("--until-empty") for _ in range(asked.workers)]:
            said = worker.communicate()[0]
            assert worker.returncode == 0, said
        with ThreadPoolExecutor(max_workers=SETTLING) as pool:
            audits = list(pool.map(partial(_settled, bed), clients.items()))
    entries = [e for e in bed.board()["entries"] if e["order"]["tenant"] in asked.tenants]
    ended = [e["result"] for e in entries]
    assert [e["outcome"] for e in ended] == ["moved"] * len(asked.tenants), ended
    for tenant in asked.tenants:
        assert bed.disagreeing(tenant) == [], tenant
        assert bed.serving(tenant).startswith(f"{VIRGINIA}/"), tenant
    began = min(datetime.fromisoformat(e["began"]) for e in entries)
    last = max(datetime.fromisoformat(e["ended"]) for e in entries)
    return Measured(
        asked,
        (last - began).total_seconds(),
        max(audit.longest_stall_seconds for audit in audits),
        max(e["pause_seconds"] for e in ended),
        sum(audit.acknowledged for audit in audits),
        sum(len(audit.lost) for audit in audits),
        sum(len(audit.doubled) for audit in audits),
    )


def _settled(bed: FleetJourney, each: tuple[str, Workload]) -> Audit:
    """Let a tenant's client write once more where the tenant is now, and account for all of it."""
    tenant, client = each
    client.wait_for_writes(1)
    client.stop()
    return client.audit(bed.direct(tenant))


def row(found: Measured) -> str:
    """A line of the table."""
    count = len(found.round.tenants)
    return (
        f"| {found.round.workers} | {count} | {found.seconds / 60:.1f} | "
        f"{60 * count / found.seconds:.1f} | {found.longest_stall:.2f} s | "
        f"{found.longest_pause:.2f} s | {found.acknowledged:,} | {found.lost} | {found.doubled} |"
    )
