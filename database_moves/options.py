"""What a person may choose about a move; it holds no credential, so it may be stored."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class MoveOptions(BaseModel):
    """The choices of one move."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jobs: int = Field(4, ge=1, le=64, description="Sessions on each side that copy and index.")
    rate_limit: int | None = Field(
        None, ge=1_000_000, description="Bytes a second that the copy reads at most, or no limit."
    )
    part_bytes: int = Field(
        256 * 1024**2,
        ge=1024**2,
        description="Tables larger than this, TOAST included, are copied in parts.",
    )
    index_memory: int = Field(
        512 * 1024**2,
        ge=1024**2,
        description="maintenance_work_mem of each session that builds indexes, in bytes.",
    )
    cutover: Literal["auto", "manual"] = Field(
        "auto", description="Cut over as soon as lag and verification allow, or on command."
    )
    max_pause: float = Field(
        5.0, gt=0, le=300, description="Seconds that writes may wait before all is undone."
    )
    max_lag_bytes: int = Field(
        1024**2, ge=0, description="A cutover begins only when the follower is this near."
    )
    owners: bool = Field(True, description="Keep owners; False gives all to the mover's role.")
    grants: bool = Field(True, description="Keep grants and default privileges.")
    create_roles: bool = Field(
        False,
        description="Create roles that the target lacks; without passwords unless a "
        "superuser can read their verifiers.",
    )
    cancel_blockers: bool = Field(
        False, description="End transactions that hold up the cutover, instead of giving up."
    )
    rollback: bool = Field(
        True, description="Keep the old side following, so that the move can be taken back."
    )
    verify_jobs: int = Field(2, ge=1, le=64, description="Sessions on each side that verify.")
    allow_older_target: bool = Field(
        False, description="Allow a target whose major version is older than the source's."
    )
    carry_seconds: float = Field(
        1.0, ge=0, description="Seconds of the pause that what replication does not carry may take."
    )
