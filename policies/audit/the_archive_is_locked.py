"""The trail is kept in a locked bucket in an account of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import BUCKET, TRAIL
from policies.rule import Rule, Verdict, differences, each
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
DAYS = 365
"""A year at least, which is what auditors ask for."""


@each(TRAIL, needed_in=("organization",))
def of_trails(trail: Resource, stack: Stack) -> Iterator[str]:
    """Trails into buckets that are not locked, or in the same account."""
    buckets = stack.referred(trail, "s3BucketName", BUCKET)
    if not buckets and at(trail.inputs, "s3BucketName") is not UNKNOWN:
        yield f"s3BucketName is {shown(at(trail.inputs, 's3BucketName'))}"
    for bucket in buckets:
        if at(bucket.inputs, "objectLockEnabled") is not True:
            yield f"{bucket.name} has no object lock"
        if bucket.provider == trail.provider:
            yield f"{bucket.name} is in the trail's own account"
        if not any(
            bucket in stack.referred(lock, "bucket", BUCKET) for lock in stack.of_type(LOCK)
        ):
            yield f"no lock configuration is for {bucket.name}"


@each(LOCK, needed_in=("organization",))
def of_locks(lock: Resource, _: Stack) -> Iterator[str]:
    """Locks that an administrator opens, or that end early."""
    yield from differences(lock, {"rule.defaultRetention.mode": "COMPLIANCE"})
    days = at(lock.inputs, "rule.defaultRetention.days")
    if days is not UNKNOWN and not (isinstance(days, int | float) and days >= DAYS):
        yield f"rule.defaultRetention.days is {shown(days)}, not {DAYS} or more"


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """The trail, and its bucket's lock."""
    yield from of_trails(stack)
    yield from of_locks(stack)


RULE = Rule(
    __name__,
    severity="high",
    why="Whoever takes over an account deletes its logs first.",
    remedy="Write to a bucket with object lock in COMPLIANCE mode, made by the audit "
    "account's provider.",
    evaluate=evaluate,
)
