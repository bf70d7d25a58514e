"""One database with writers, a pooler before it, and an empty one to move it to."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from kit.mover import Ended, Mover
    from kit.pgbouncer import PgBouncerServer
    from kit.workload import Audit, Workload
    from made import Made

NAME = "orders"

# 9 MB, above the size from which indexes and foreign keys of a table are made one by one; and
# none, where no rows come that would bring the key along.
LARGE = """
CREATE TABLE workload.documents (
    id int PRIMARY KEY, client int NOT NULL REFERENCES workload.counters, body text);
ALTER TABLE workload.documents ALTER body SET STORAGE EXTERNAL;
INSERT INTO workload.documents SELECT n, 0, repeat('x', 9000) FROM generate_series(1, 1000) AS n;
CREATE INDEX ON workload.documents (client, id);
CREATE TABLE workload.drafts (id int PRIMARY KEY, body text);
CREATE MATERIALIZED VIEW workload.totals AS
    SELECT client, count(*) AS number FROM workload.documents GROUP BY client;
"""


@dataclass
class Journey:
    """A move under load, and what must hold of it whatever happened."""

    source: Made
    target: Made
    pooler: PgBouncerServer | None
    workload: Workload
    mover: Mover
    name: str = NAME

    def fill(self) -> None:
        """Add what the writers leave alone: a large table, an empty one, and a view."""
        with self.source.owner() as connection:
            connection.execute(LARGE.encode())

    def move(self, *options: str, kill_at: str | None = None) -> Ended:
        return self.mover.run(
            "database", "move", self.name, *self.pooling, *options, kill_at=kill_at
        )

    def command(self, verb: str, *options: str, kill_at: str | None = None) -> Ended:
        pooling = self.pooling if verb in ("cutover", "rollback", "abort") else ()
        return self.mover.run("database", verb, self.name, *pooling, *options, kill_at=kill_at)

    @property
    def pooling(self) -> tuple[str, ...]:
        if self.pooler is None:
            return ()
        return ("--pooler", self.pooler.admin_dsn, "--pooler-config", str(self.pooler.config))

    def status(self) -> dict[str, Any]:
        ended = self.mover.run("database", "status", self.name, "--json")
        assert ended.code == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def serving(self) -> Made:
        """The one side that lets the application in; its direct clients go there too.

        A guard may still be at work: it is waited for.
        """
        deadline = time.monotonic() + 180
        while True:
            open_to = [made for made in (self.source, self.target) if lets_in(made)]
            if len(open_to) == 2 and never_shut(self.target):
                # Killed before the move began: the target is any empty database still.
                open_to = [self.source]
            assert len(open_to) <= 1, [made.name for made in open_to]
            if open_to:
                break
            assert time.monotonic() < deadline, "no side serves"
            time.sleep(0.1)
        self.workload.point_direct_at(open_to[0].owner_dsn)
        return open_to[0]

    def account(self) -> Audit:
        """Stop the writers and see that every acknowledged write is there exactly once."""
        return self.account_at(self.serving())

    def account_at(self, serving: Made) -> Audit:
        """As `account`, where one knows who serves."""
        self.workload.stop()
        audit = self.workload.audit(serving.superuser_dsn)
        assert audit.lost == ()
        assert audit.doubled == ()
        return audit


def lets_in(made: Made) -> bool:
    """Whether the application's own role may connect."""
    try:
        psycopg.connect(made.owner_dsn, connect_timeout=60).close()
    except psycopg.OperationalError as error:
        if "permission denied for database" not in str(error):
            raise
        return False
    return True


def never_shut(made: Made) -> bool:
    """Whether no move has kept the application out of a database yet."""
    with made.superuser() as connection:
        found = connection.execute("SELECT to_regclass('patchworks_moves.gate')").fetchone()
        if found == (None,):
            return True
        gates = connection.execute("SELECT state, epoch FROM patchworks_moves.gate").fetchall()
    return gates in ([], [("open", 0)])


def killed_once_at(journey: Journey, point: str) -> None:
    """Kill a move's first run at a place, and see that the second completes it."""
    journey.workload.start()
    journey.workload.wait_for_writes(20)

    killed = journey.move("--jobs", "2", kill_at=f"{point}!")
    assert killed.killed, (point, killed.code, killed.stdout, killed.stderr)
    journey.serving()
    journey.workload.wait_for_writes(5)
    again = journey.move("--jobs", "2")

    assert again.code == 0, again.stderr
    assert journey.status()["phase"] == "soak"
    assert journey.serving() is journey.target
    journey.workload.wait_for_writes(5)
    audit = journey.account()
    assert audit.pooler_errors == ()


def points() -> list[str]:
    """Every crash point that the code names."""
    import re

    from database_moves.cutover import protocol

    root = Path(__file__).parents[2] / "database_moves"
    named = {
        name
        for file in root.rglob("*.py")
        for written in re.findall(r'reached\(\s*f?"([^"]+)"', file.read_text())
        if "." in written and "{effect}" not in written
        # The same on both sides.
        for name in {
            re.sub(r"\{(database|here)\.side\}", side, written) for side in ("source", "target")
        }
    }
    effects = (*protocol.TO_DECISION, *protocol.FROM_DECISION, *protocol.AFTER_PAUSE)
    return sorted(named | {f"swap.{effect.name}" for effect in effects})
