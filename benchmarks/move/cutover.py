"""The longest stall that a client sees at a cutover, against a careful script by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.move import by_hand, clients, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.move.bed import Bed
    from database_moves.database import Side

NAME = "cutover"

SAID = f"""\
{clients.WRITERS} clients write through PgBouncer, each some {1 / clients.PACE:.0f} times a second,
while the database is cut over to the target and back again. A stall is the longest time from a
client's wish to write to its acknowledgement around a cutover. By hand means native replication
and psql: pause, wait for the last position, set sequences, rewrite PgBouncer's file, resume; with
no fence, no proof, and no way back. Every acknowledged write is accounted for at the end."""


@dataclass
class Stalls:
    """Of each cutover, in seconds."""

    stalls: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    effects: list[dict[str, float]] = field(default_factory=list)
    acknowledged: int = 0


def table(bed: Bed, swaps: int, by_hands: int) -> Iterator[str]:
    """Cut over so many times each way; the stalls in milliseconds, line by line."""
    found = measure(bed, swaps)
    yield f"{'':24}{'cutovers':>9}{'median':>10}{'longest':>10}{'errors':>8}{'lost':>6}"
    yield _line("patchworks", found.stalls)
    yield (
        f"{found.acknowledged:,} acknowledged writes, each there once; "
        f"pause: median {_ms(median(found.pauses))}, longest {_ms(max(found.pauses))}"
    )
    parts = (
        f"{name} {_ms(median(effects[name] for effects in found.effects))}"
        for name in found.effects[0]
    )
    yield f"median of its parts: {', '.join(parts)}"
    if by_hands:
        yield _line("by hand", [by_hand.cut_over(bed) for _ in range(by_hands)])


def measure(bed: Bed, swaps: int) -> Stalls:
    """Move a database under load, then cut over and roll back in turn."""
    found = Stalls()
    windows: list[tuple[float, float]] = []
    serving: Side = "source"
    with clients.writing(bed, NAME) as writing:
        pooling = ("--pooler-config", str(writing.pooler.config))
        admin = writing.pooler.admin_dsn
        # The figures say how long a pause is; no limit is to end one.
        begin = ("--cutover=manual", "--max-pause=60")
        ours.command(bed, NAME, "move", *begin, *pooling, pooler=admin)
        for _ in range(swaps):
            writing.write_some()
            verb = "cutover" if serving == "source" else "rollback"
            state = ours.command(bed, NAME, verb, *pooling, pooler=admin)
            serving = state["serving"]
            swap = state["swaps"][-1]
            windows.append((_moment(swap["began"]), _moment(swap["ended"])))
            found.pauses.append(swap["pause_seconds"])
            found.effects.append(swap["effects"])
        writing.write_some()
        found.acknowledged = writing.account(serving)
        found.stalls = [writing.longest(*window) for window in windows]
    return found


def _line(name: str, stalls: list[float]) -> str:
    return f"{name:24}{len(stalls):9}{_ms(median(stalls)):>10}{_ms(max(stalls)):>10}{0:>8}{0:>6}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
