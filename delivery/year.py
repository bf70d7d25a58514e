"""The evidence of one year: who let what into production, and that what must be tried was tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from catalog.base import CatalogModel
from delivery.github_drift import DriftIssue
from delivery.records import Approval, CheckResult, Progress, RestoreTested, WaveDone
from delivery.restore_test import PARTITION
from stacks.ledger_table import Entry, LedgerTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.catalog import Catalog
    from delivery.checklist import Checklist
    from delivery.engine import Engine
    from delivery.table import DeliveryRecords

LONGEST_DRIFT = timedelta(days=7)
"""For which a stack may differ before the report says so."""
RESTORED_EVERY = timedelta(days=62)
"""How long a production cell may go without a test of its backups: one month may be missed."""


class Release(CatalogModel):
    """A version that was given to a commit."""

    tag: str
    commit: str


class Delivery(CatalogModel):
    """A commit that reached an environment in the year."""

    commit: str
    waves: tuple[WaveDone, ...]
    checks: tuple[CheckResult, ...]
    approvals: tuple[Approval, ...]


class Group(CatalogModel):
    """Who may do what, as the catalog says at the time of the report."""

    name: str
    duties: tuple[str, ...]
    environments: tuple[str, ...]


class Year(CatalogModel):
    """All that is recorded of a year; `findings` is what a reader should look at first."""

    format: int = 1
    year: int
    until: datetime
    """When it was collected, or the year's end."""
    commit: str
    """Whose code collected it, and whose catalog tells who may do what."""
    findings: tuple[str, ...] = ()
    groups: tuple[Group, ...]
    deliveries: tuple[Delivery, ...]
    releases: tuple[Release, ...]
    moves: tuple[Entry, ...]
    """Every change of where a tenant is served."""
    restore_tests: tuple[RestoreTested, ...]
    drift: tuple[DriftIssue, ...] | None
    """None where GitHub was not asked."""


def collect(
    year: int,
    *,
    commit: str,
    catalog: Catalog,
    checklist: Checklist,
    engine: Engine,
    records: DeliveryRecords,
    tags: Mapping[str, str],
    drift: Sequence[DriftIssue] | None,
    now: datetime,
) -> Year:
    """Everything of a calendar year in UTC that the tables have; `tags` are commits by their tag.

    Raises:
        NoTableError: nothing was ever recorded.
    """
    begins, ends = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)

    def inside(at: datetime) -> bool:
        return begins <= at < ends

    deliveries = [
        _delivery(each)
        for each in records.everything(Progress, "delivery")
        if any(inside(done.at) for done in each.waves.values())
    ]
    known = {each.commit for each in deliveries}
    ledger = LedgerTable(catalog.organization, engine.dynamodb())
    tested = records.all(RestoreTested, PARTITION).values()
    found = Year(
        year=year,
        until=min(now, ends),
        commit=commit,
        groups=tuple(
            Group(name=name, duties=tuple(group.duties), environments=tuple(group.environments))
            for name, group in sorted(catalog.organization.groups.items())
        ),
        deliveries=tuple(sorted(deliveries, key=lambda each: each.waves[0].at)),
        releases=tuple(
            Release(tag=tag, commit=tagged) for tag, tagged in tags.items() if tagged in known
        ),
        moves=tuple(
            entry
            for tenant in sorted(catalog.tenants)
            for entry in ledger.history(tenant)
            if inside(entry.at)
        ),
        restore_tests=tuple(
            sorted((each for each in tested if inside(each.at)), key=lambda each: each.at)
        ),
        drift=None
        if drift is None
        else tuple(each for each in drift if each.opened < ends and (each.closed or now) >= begins),
    )
    return found.model_copy(update={"findings": tuple(_findings(found, catalog, checklist))})


def _delivery(progress: Progress) -> Delivery:
    return Delivery(
        commit=progress.commit,
        waves=tuple(sorted(progress.waves.values(), key=lambda each: each.at)),
        checks=tuple(progress.checks.values()),
        approvals=tuple(progress.approvals.values()),
    )


def _findings(found: Year, catalog: Catalog, checklist: Checklist) -> Iterator[str]:
    for delivery in found.deliveries:
        if any(done.wave in ("canary", "rest") for done in delivery.waves):
            yield from _let_in(delivery, checklist)
    for cell in sorted(catalog.cells):
        if catalog.cells[cell].environment == "prod":
            yield from _restored(found, cell)
    for test in found.restore_tests:
        for fault in test.faults:
            yield f"{test.cluster} could not be had back whole on {test.at:%Y-%m-%d}: {fault}"
    if found.drift is None:
        yield "GitHub was not asked which stacks differed from what was brought up"
    for issue in found.drift or ():
        lasted = (issue.closed or found.until) - issue.opened
        if lasted > LONGEST_DRIFT:
            yield f"{issue.stack} differed for {lasted.days} days: {issue.address}"


def _let_in(delivery: Delivery, checklist: Checklist) -> Iterator[str]:
    """What the checklist of today misses of a commit that production got."""
    given = {each.name: each for each in delivery.approvals}
    passed = {each.name for each in delivery.checks if each.passed}
    commit = delivery.commit[:10]
    for name, wanted in checklist.approvals.items():
        approval = given.get(name)
        if approval is None or approval.decision != "approved":
            yield f"production got {commit} without the approval {name}"
        elif len(set(approval.by)) < wanted.people:
            yield f"production got {commit} with too few people in {name}"
    for name, check in checklist.automated.items():
        if check.after != "canary" and name not in passed:
            yield f"production got {commit} without the check {name}"


def _restored(found: Year, cell: str) -> Iterator[str]:
    tests = [each.at for each in found.restore_tests if each.cell == cell]
    begins = datetime(found.year, 1, 1, tzinfo=UTC)
    moments = [begins, *tests, found.until]
    for earlier, later in pairwise(moments):
        if later - earlier > RESTORED_EVERY:
            yield (f"no backup of {cell} was restored from {earlier:%Y-%m-%d} to {later:%Y-%m-%d}")
