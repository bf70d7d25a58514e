"""What a verification remembers between runs: which tables agreed, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class VerifiedTable(BaseModel):
    """A table all of whose rows agreed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    bytes: int
    ranges: int
    reread: int
    seconds: float
    at: datetime = Field(description="When the last range agreed, in UTC.")


class VerifyState(BaseModel):
    """What a later run may leave out.

    Leaving a table out is sound as long as the follower is the same copy and the same stream has
    fed it since: what agreed at `at` can be wrong now only by a fault of the stream after `at`. So
    the state is bound to the two databases and to who serves, and to `copy_id`, whatever its
    caller calls the copy. Tables with differences are never in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    serving: str = Field(description="System identifier and oid of the database that serves.")
    follower: str = Field(description="The same of the database that follows.")
    copy_id: str = Field(description="What names the copy and its stream.")
    tables: dict[str, VerifiedTable] = {}

    def fits(self, other: VerifyState) -> bool:
        """Whether both are about the same databases, direction and copy."""
        return (self.serving, self.follower, self.copy_id) == (
            other.serving,
            other.follower,
            other.copy_id,
        )
