"""One tenant's move in this process: its plan, its platform, and who watches."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from database_moves import durable
from database_moves.context import Context, StoppedError
from database_moves.database import Database
from database_moves.driven_by import DrivenBy
from database_moves.progress import Step, silent
from tenant_moves.belongings import Belongings
from tenant_moves.switch import TenantSwitch

if TYPE_CHECKING:
    from pathlib import Path

    from database_moves.database import Side
    from database_moves.options import MoveOptions
    from database_moves.progress import Progress
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

    @property
    def executor(self) -> str:
        """Whose workflows are taken up."""
        return f"tenant.{self.plan.move}"

    @property
    def url(self) -> str:
        """Where moves are recorded."""
        return store_url(self.platform, self.plan.tenant)

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
        place = self.plan.source if side == "source" else self.plan.target
        dsn = self.platform.mover_dsn(exports.database(place))
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
            poolers=self.platform.poolers(self.plan.tenant, source, target),
            switch=TenantSwitch(
                self.platform.catalog,
                self.platform.aws,
                self.plan,
                exports,
                self.belongings(exports),
                to,
            ),
            report=self.report,
            stopping=_Following(self.stopping),
            driven_by=driven_by(self.plan.tenant),
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
