"""One tenant's move in this process: its plan, its platform, and who watches."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from database_moves import durable
from database_moves.context import Context, StoppedError
from database_moves.database import Database
from database_moves.driven_by import DrivenBy
from database_moves.errors import MoveError
from database_moves.progress import Step, silent
from tenant_moves import absent as sides
from tenant_moves.belongings import Belongings
from tenant_moves.cloud_faults import CredentialsError
from tenant_moves.slices import key
from tenant_moves.switch import TenantSwitch

if TYPE_CHECKING:
    from pathlib import Path

    from database_moves.database import Side
    from database_moves.options import MoveOptions
    from database_moves.poolers.pooler import Pooler
    from database_moves.progress import Progress
    from tenant_moves.absent import Absent
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Platform
    from tenant_moves.slices import Exports


class _Following(threading.Event):
    """Set when another one is; a move of a database sets its own when its command ends."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        """Whether either is."""
        return super().is_set() or self._other.is_set()


@dataclass
class TenantContext:
    """What the steps of a tenant's move work with; nothing of it is stored."""

    platform: Platform
    plan: Plan
    options: MoveOptions
    report: Progress = silent
    stopping: threading.Event = field(default_factory=threading.Event)
    absent: Absent | None = None
    """The side that is gone for good, where the move is ended without it."""

    @property
    def executor(self) -> str:
        """Whose workflows are taken up."""
        return f"tenant.{self.plan.move}"

    @property
    def url(self) -> str:
        """Where moves are recorded."""
        shared = os.environ.get(durable.URL_VARIABLE)
        if shared or self.absent is None or self.absent.side == "target":
            return store_url(self.platform, self.plan.tenant)
        # What was recorded where the move began is gone with that side.
        copy = self.platform.copy_url(self.plan.tenant, self.plan.target)
        return copy or self.platform.store_url(self.plan.tenant)

    @property
    def dump_file(self) -> Path:
        """Where the last dump is until the backups have it."""
        return self.platform.directory / self.plan.move / "last.dump"

    def check(self) -> None:
        """Raise `StoppedError` when the process is to stop."""
        if self.stopping.is_set():
            raise StoppedError

    def begin(self, step: str) -> None:
        """Say that a step begins."""
        self.check()
        self.report(Step(step, 0, None, ""))

    def database(self, exports: Exports, side: Side) -> Database:
        """One side's database, as the mover's role comes in."""
        place = self.plan.place(side)
        # Once the ledger is closed, the plan has the side that stays on both of its sides.
        left_out = self.absent is not None and self.absent.side == side
        if self.absent is not None and left_out and key(self.absent.place) in exports.databases:
            place = self.absent.place
        at = exports.database(place)
        try:
            dsn = self.platform.mover_dsn(at)
        except (CredentialsError, BotoCoreError, ClientError):
            if not left_out:
                raise
            dsn = sides.address(at)
        except MoveError as error:
            if not left_out:
                raise (_unreached(error, side) if self.plan.begun else error) from error.__cause__
            dsn = sides.address(at)
        return Database(dsn, side, self.platform.dialled)

    def belongings(self, exports: Exports) -> Belongings:
        """What goes along with the database."""
        return Belongings(
            self.platform.catalog,
            self.platform.aws,
            self.plan,
            exports,
            self.platform.directory / self.plan.move,
        )

    def database_context(self, to: Side) -> Context:
        """The move of the tenant's database, whose swap is to make one side serve."""
        exports = self.platform.exports(self.plan.tenant)
        source, target = self.database(exports, "source"), self.database(exports, "target")
        return Context(
            move=self.plan.move,
            source=source,
            target=target,
            options=self.options,
            directory=self.platform.directory / self.plan.move,
            poolers=self._poolers(exports, source, target),
            switch=TenantSwitch(
                self.platform.catalog,
                self.platform.aws,
                self.plan,
                exports,
                self.belongings(exports),
                to,
                None if self.absent is None else self.absent.cell,
            ),
            report=self.report,
            stopping=_Following(self.stopping),
            driven_by=driven_by(self.plan.tenant),
        )

    def _poolers(self, exports: Exports, source: Database, target: Database) -> tuple[Pooler, ...]:
        gone = None if self.absent is None else self.absent.cell
        cells = [cell for cell in exports.slices if cell != gone]
        return self.platform.poolers(self.plan.tenant, source, target, cells)


def _unreached(error: MoveError, side: Side) -> MoveError:
    """The same, with how a move goes on whose side never comes back."""
    return MoveError(
        error.message,
        remedy=f"{error.remedy or 'run the same command again'}; if the {side} is gone for good, "
        "`--without` ends the move without it: see docs/moving-a-tenant.md",
    )


def driven_by(tenant: str) -> DrivenBy:
    """What people run to drive a tenant's move: it is one command forwards, and one back."""
    move, rollback = f"patchworks tenant move {tenant}", f"patchworks tenant rollback {tenant}"
    return DrivenBy(
        move=move,
        cutover=move,
        rollback=rollback,
        finish=f"patchworks tenant finish {tenant}",
        abort=rollback,
        status=f"patchworks tenant status {tenant}",
        without=True,
    )


def store_url(platform: Platform, tenant: str) -> str:
    """Where a tenant's moves are recorded: the store that machines share, or its platform's."""
    return os.environ.get(durable.URL_VARIABLE) or platform.store_url(tenant)


_contexts: dict[str, TenantContext] = {}


def enter(context: TenantContext) -> None:
    """Make a context known to the steps of its move, which are given the move's name only."""
    _contexts[context.plan.move] = context


def leave(move: str) -> None:
    """Forget a move's context."""
    _contexts.pop(move, None)


def of(move: str) -> TenantContext:
    """The context of a move in this process."""
    return _contexts[move]
