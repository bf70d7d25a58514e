"""PgBouncer in front of a database: paused, led to the other side, and let go on."""

from __future__ import annotations

import contextlib
import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg.conninfo import conninfo_to_dict

from database_moves.errors import AbortedError, MoveError, RefusedError
from database_moves.poolers import configuration
from database_moves.poolers.console import CommandError, Console, described, identifier
from database_moves.poolers.pooler import PoolerState, PoolerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from database_moves.database import Database, Side

T = TypeVar("T")

Way = dict["Side", dict[str, str]]
"""Host, port and dbname of an entry on either side."""

SETTLE_SECONDS = 10.0
"""How long PgBouncer may take to show what a reload changed; it takes milliseconds."""


class PgBouncer:
    """One PgBouncer; its entries that lead to either side are those of the move."""

    def __init__(
        self, admin_dsn: str, config_file: Path, source: Database, target: Database
    ) -> None:
        """`config_file` has the `[databases]` section that PgBouncer itself reads."""
        self._admin = admin_dsn
        self._file = config_file.absolute()
        self._ways = [way(source, target)]
        self._held: Console | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A guard opens a session of its own.
        return self.__dict__ | {"_held": None}

    @cached_property
    def described(self) -> str:
        """The console's address, for people; no credential."""
        return described(self._admin)

    def check(self, max_pause: float) -> tuple[str, ...]:
        """What a person should know before the pause; see `Pooler`."""
        aliases = self._aliases()
        with self._console() as console:
            settings = {row["key"]: row["value"] for row in console.run("SHOW CONFIG")}
            shown = {row["name"]: row for row in console.run("SHOW DATABASES")}
        unknown = sorted(set(aliases) - set(shown))
        if unknown:
            raise RefusedError(
                f"{self.described} does not know {', '.join(unknown)} of {self._file}",
                remedy="name the file that this PgBouncer reads, and reload it",
            )
        notes = []
        waiting = float(settings.get("query_wait_timeout") or 0)
        if 0 < waiting < max_pause:
            notes.append(
                f"{self.described} lets clients wait {waiting:.0f} s (query_wait_timeout), less "
                f"than --max-pause {max_pause:g}"
            )
        sessions = [name for name in aliases if shown[name].get("pool_mode") == "session"]
        if sessions or settings.get("pool_mode") == "session":
            notes.append(f"{self.described} pools sessions: a pause waits until clients disconnect")
        return tuple(notes)

    def hold(self) -> None:
        """Open the session that the pause is to use; see `Pooler`."""
        self.let_go()
        with contextlib.suppress(MoveError):
            self._held = self._console()

    def let_go(self) -> None:
        """Close what `hold` opened."""
        held, self._held = self._held, None
        if held is not None:
            held.close()

    def pause(self, timeout: float) -> None:
        """Let clients wait, once their transactions are over; see `Pooler`."""
        deadline = time.monotonic() + timeout
        for alias in self._aliases():
            try:
                answer = self._ask(partial(_pause, alias=alias, deadline=deadline))
            except CommandError:
                self.resume()
                raise
            if answer is None:
                # The console waits for PAUSE still, and takes no other command meanwhile.
                waiting, self._held = self._held, None
                self.resume()
                if waiting is not None:
                    waiting.close()
                raise AbortedError(
                    f"transactions through {self.described} did not end in {timeout:.1f} s"
                )

    def point_at(self, side: Side) -> None:
        """Lead clients to a side; a pause goes on. See `Pooler`."""
        self._rewrite({alias: found[side] for alias, found in self._led().items()})
        self._run("RELOAD")
        deadline = time.monotonic() + SETTLE_SECONDS
        while self.state().points_at != side:
            if time.monotonic() > deadline:
                # While an attempt is settled it is tried again: nobody may be left waiting.
                raise PoolerUnreachableError(
                    f"{self.described} was reloaded and does not lead to the {side}",
                    remedy=f"see that it reads {self._file}",
                )
            time.sleep(0.005)

    def resume(self) -> None:
        """Let clients go on; that none waits is no error."""
        for alias in self._aliases():
            with contextlib.suppress(CommandError):
                self._run(f"RESUME {identifier(alias)}")

    def state(self) -> PoolerState:
        """What it does now, as it says itself."""
        aliases = set(self._aliases())
        rows = [row for row in self._run("SHOW DATABASES") if row["name"] in aliases]
        sides = {self._side(row) for row in rows}
        paused = bool(rows) and all(row.get("paused") in ("1", "t", "true") for row in rows)
        return PoolerState(paused, sides.pop() if len(sides) == 1 else None)

    def longest_waits(self) -> Iterator[float]:
        """How long the client that waits longest has waited, each time it is asked."""
        aliases = set(self._aliases())
        with self._console() as console:
            while True:
                rows = console.run("SHOW POOLS")
                yield max(
                    (
                        float(row["maxwait"] or 0) + float(row.get("maxwait_us") or 0) / 1e6
                        for row in rows
                        if row["database"] in aliases
                    ),
                    default=0.0,
                )

    def finish(self) -> None:
        """Nothing is kept for a way back: the file says it all."""

    def _console(self) -> Console:
        return Console(self._admin, self.described)

    def _entries(self) -> Sequence[configuration.Entry]:
        """What the configuration says of databases."""
        return configuration.entries(self._file)

    def _rewrite(self, aliases: Mapping[str, Mapping[str, str]]) -> None:
        """Make the configuration say so; PgBouncer heeds it from its next reload on."""
        configuration.rewrite(self._file, aliases)

    def _run(self, command: str) -> list[dict[str, Any]]:
        return self._ask(lambda console: console.run(command))

    def _ask(self, ask: Callable[[Console], T]) -> T:
        """Ask in the session that is held, or where it is gone or none is, in a new one."""
        if self._held is not None:
            try:
                return ask(self._held)
            except PoolerUnreachableError:
                # Asking again is harmless, and PgBouncer may be there again.
                self.let_go()
        with self._console() as console:
            return ask(console)

    def _aliases(self) -> list[str]:
        """The entries that lead to either side."""
        return list(self._led())

    def _led(self) -> dict[str, Way]:
        """The entries that lead to either side, each with where it leads on both."""
        found = {
            entry.alias: one
            for entry in self._entries()
            for one in self._ways
            if _given(dict(entry.parameters), entry.alias) in one.values()
        }
        if not found:
            raise RefusedError(
                f"no entry of {self._file} leads to the source or the target",
                remedy="name the file with PgBouncer's [databases] section by --pooler-config; its "
                "host and port must be those of --source",
            )
        return found

    def _side(self, row: dict[str, str]) -> Side | None:
        shown = {
            "host": row.get("host") or "",
            "port": row.get("port") or "5432",
            "dbname": row.get("database") or "",
        }
        for one in self._ways:
            for side, address in one.items():
                if shown == address:
                    return side
        return None


def _pause(console: Console, alias: str, deadline: float) -> list[dict[str, Any]] | None:
    console.send(f"PAUSE {identifier(alias)}")
    try:
        return console.answer(deadline)
    except CommandError as error:
        if "already" in error.message:
            return []
        raise


def way(source: Database, target: Database) -> Way:
    """Where an entry leads that leads to one of two databases."""
    return {"source": _address(source), "target": _address(target)}


def _given(parameters: dict[str, str], alias: str) -> dict[str, str]:
    return {
        "host": parameters.get("host", ""),
        "port": parameters.get("port", "5432"),
        "dbname": parameters.get("dbname", alias),
    }


def _address(database: Database) -> dict[str, str]:
    parts = conninfo_to_dict(database.dsn)
    return {
        "host": str(parts.get("host") or parts.get("hostaddr") or ""),
        "port": str(parts.get("port") or "5432"),
        "dbname": str(parts.get("dbname") or ""),
    }
