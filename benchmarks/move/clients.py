"""Eight clients that write through a PgBouncer, and how long each of their writes took."""

from __future__ import annotations

import contextlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from benchmarks.move.bed import CLIENT
from tests.database_moves.kit.pgbouncer import PgBouncerServer, quoted
from tests.database_moves.kit.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.move.bed import Bed
    from database_moves.database import Side

WRITERS = 8
PACE = 0.02
"""Seconds that a client rests between two writes, on average."""

ROWS = 200_000


@dataclass(frozen=True)
class Clients:
    """Writers at work, and the pooler that they come through."""

    bed: Bed
    name: str
    pooler: PgBouncerServer
    workload: Workload
    directory: Path

    def write_some(self, number: int = 20) -> None:
        """Wait until each has written so many times more."""
        self.workload.wait_for_writes(number)

    def account(self, serving: Side) -> int:
        """Stop them; the acknowledged writes, each of which is there once, or the run fails."""
        self.workload.stop()
        audit = self.workload.audit(self.bed.database(serving, self.name).dsn)
        if audit.lost or audit.doubled or audit.pooler_errors:
            raise SystemExit(f"lost, doubled or refused: {audit}")
        return audit.acknowledged

    def longest(self, began: float, ended: float) -> float:
        """The longest write, in seconds, of those under way between two moments."""
        longest = 0.0
        for log in self.directory.glob("*.log"):
            since = 0.0
            for line in log.read_text().splitlines():
                entry = json.loads(line)
                if entry["event"] == "try":
                    since = entry["at"]
                elif entry["event"] == "acknowledged" and since <= ended and entry["at"] >= began:
                    longest = max(longest, entry["at"] - since)
        return longest


@contextlib.contextmanager
def writing(bed: Bed, name: str) -> Iterator[Clients]:
    """A fresh database with clients that write to it until the end; the target is empty."""
    for side in ("source", "target"):
        bed.recreate(side, name, owner=CLIENT)
    # A directory of its own: clients add to the logs that they find.
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=bed.directory))
    directory.chmod(0o711)
    with PgBouncerServer(
        directory / "pooler", {name: entry(bed, "source", name)}, {CLIENT: CLIENT}
    ) as pooler:
        workload = Workload(
            directory / "clients", pooled=[pooler.dsn(name, CLIENT, CLIENT)] * WRITERS, pace=PACE
        )
        database = bed.database("source", name, CLIENT)
        workload.install(database.dsn)
        with database.session("fill") as connection:
            connection.execute(
                "CREATE TABLE workload.history (id bigint PRIMARY KEY, body text NOT NULL)"
            )
            connection.execute(
                "INSERT INTO workload.history SELECT i, md5(i::text) "
                f"FROM generate_series(1, {ROWS}) AS i"
            )
        with workload:
            yield Clients(bed, name, pooler, workload, directory / "clients")


def entry(bed: Bed, side: Side, name: str) -> str:
    """What PgBouncer's file says of a side."""
    parts = conninfo_to_dict(bed.database(side, name).dsn)
    return " ".join(f"{key}={quoted(str(parts[key]))}" for key in ("host", "port", "dbname"))
