"""A slot whose log is thrown away, as by a server that keeps too little for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    from made import Made


def lose_the_slot(publisher: Made, follower: Made, name: str) -> None:
    """Have the publisher throw away what the follower of a stream has not read."""
    stream = sql.Identifier(name)
    with follower.superuser() as there, publisher.superuser() as here:
        found = there.execute("SELECT FROM pg_subscription WHERE subname = %s", (name,)).fetchone()
        if found is not None:
            there.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(stream))
        here.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
        here.execute("SELECT pg_reload_conf()")
        status: tuple[Any, ...] | None = None
        for _ in range(60):
            here.execute("SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000))")
            here.execute("SELECT pg_switch_wal()")
            here.execute("CHECKPOINT")
            status = here.execute(
                "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s",
                (name,),
            ).fetchone()
            if status == ("lost",):
                break
            time.sleep(0.2)
        here.execute("ALTER SYSTEM RESET max_slot_wal_keep_size")
        here.execute("SELECT pg_reload_conf()")
        if found is not None:
            there.execute(sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(stream))
        assert status == ("lost",)
