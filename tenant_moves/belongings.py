"""What a tenant has in its slices beside the database: objects, and secrets of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from components.aws.ci_roles import mover_role
from database_moves.errors import MoveError
from tenant_moves import credentials, rclone, sealing
from tenant_moves.objects import Bucket, Copier, Pass
from tenant_moves.pairs import Pairs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from catalog.catalog import Catalog
    from database_moves.database import Side
    from database_moves.progress import Progress
    from tenant_moves.plan import Plan
    from tenant_moves.platform import Aws
    from tenant_moves.slices import Exports, Slice

MOST_PASSES = 20
"""Passes before a pause: each has what changed during the one before."""

NEAR = 50
"""Objects left for the pause that are few enough."""


@dataclass(frozen=True)
class Belongings:
    """The two slices of one move; without any where both placements are in one cell."""

    catalog: Catalog
    aws: Aws
    plan: Plan
    exports: Exports
    directory: Path
    """Where this machine keeps what is known of the objects."""

    @property
    def apart(self) -> bool:
        """Whether there is anything to bring: one cell has one slice of a tenant."""
        return self.plan.source.cell != self.plan.target.cell

    def approach(self, to: Side, check: Callable[[], None], report: Progress) -> Pass | None:
        """Bring everything but what changes all the time, which is for the pause."""
        if not self.apart:
            return None
        copier = self._copier(to, check, report)
        first = done = copier.bring()
        for _ in range(MOST_PASSES - 1):
            if len(done.left) <= NEAR and done.copied <= NEAR:
                break
            done = copier.bring()
        self._secrets(to)
        return replace(
            done,
            copied=first.copied,
            copied_bytes=first.copied_bytes,
            deleted=first.deleted,
        )

    def last(self, to: Side, check: Callable[[], None]) -> None:
        """Make the bucket that is left read-only and bring what is left; open the other one.

        Raises `MoveError` where objects are still written.
        """
        if not self.apart:
            return
        left, entered = self._sides(to)
        sealing.seal(self._client("s3", left), left.bucket, self._movers())
        copier = self._copier(to, check, lambda _: None)
        done = copier.bring()
        if done.left:
            done = copier.bring()
        if done.left:
            raise MoveError(
                f"{len(done.left)} objects of {left.bucket} were changed in the pause, such as "
                f"{done.left[0]!r}",
                remedy="find out who writes to a bucket that is read-only, and try again",
            )
        self._secrets(to)
        sealing.unseal(self._client("s3", entered), entered.bucket)

    def open(self, side: Side) -> None:
        """Let a side's bucket be written to."""
        at = self.exports.slice(self.plan.source if side == "source" else self.plan.target)
        sealing.unseal(self._client("s3", at), at.bucket)

    def late(self, to: Side) -> int:
        """Bring what was written in the seconds until S3 knew everywhere that it is read-only."""
        if not self.apart:
            return 0
        return self._copier(to, lambda: None, lambda _: None).bring_late()

    def _secrets(self, to: Side) -> int:
        left, entered = self._sides(to)
        here, there = (self._client("secretsmanager", at) for at in (left, entered))
        return credentials.bring(here, there, left, entered, self.plan.move)

    def _copier(self, to: Side, check: Callable[[], None], report: Progress) -> Copier:
        source, target = (
            self._bucket(self.exports.slice(place))
            for place in (self.plan.source, self.plan.target)
        )
        pairs = Pairs(self.directory / "objects.sqlite")
        return Copier(source, target, pairs, to, check=check, report=report)

    def _bucket(self, at: Slice) -> Bucket:
        cell = self.catalog.cells[at.cell]
        settings = self.aws.rclone(cell.account, cell.region)
        return Bucket(at.bucket, self._client("s3", at), rclone.Remote(at.bucket, settings))

    def _client(self, service: str, at: Slice) -> Any:
        cell = self.catalog.cells[at.cell]
        return self.aws.client(service, cell.account, cell.region)

    def _sides(self, to: Side) -> tuple[Slice, Slice]:
        """The slice that is left and the one that is entered."""
        source, target = map(self.exports.slice, (self.plan.source, self.plan.target))
        return (source, target) if to == "target" else (target, source)

    def _movers(self) -> list[str]:
        organization = self.catalog.organization
        cells = [self.catalog.cells[p.cell] for p in (self.plan.source, self.plan.target)]
        return sorted(
            {
                f"arn:aws:iam::{cell.account}:role/{mover_role(organization, cell.environment)}"
                for cell in cells
            }
        )
