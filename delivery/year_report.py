"""The evidence of a year for people: Markdown, what to look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from delivery.year import Year

_DAY = "%Y-%m-%d %H:%M"


def report(found: Year) -> str:
    """The report; times in UTC."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Year) -> Iterator[str]:
    yield f"# Evidence of {found.year}"
    yield ""
    yield f"Collected up to {found.until:{_DAY}} UTC by the code of {found.commit}."
    yield ""
    yield "## To look at"
    yield ""
    yield from ([f"- {_text(each)}" for each in found.findings] or ["Nothing."])
    yield from _table(
        "Who may do what",
        ("Group", "Duties", "Environments"),
        [(g.name, ", ".join(g.duties), ", ".join(g.environments)) for g in found.groups],
    )
    yield from _table(
        "Deliveries",
        ("Commit", "Waves", "Checks", "Let in by"),
        [
            (
                each.commit[:10],
                "; ".join(f"{done.wave} {done.at:{_DAY}}" for done in each.waves),
                "; ".join(f"{c.name} {'passed' if c.passed else 'FAILED'}" for c in each.checks),
                "; ".join(f"{a.name}: {a.decision}, {', '.join(a.by)}" for a in each.approvals),
            )
            for each in found.deliveries
        ],
    )
    yield from _table(
        "Releases", ("Version", "Commit"), [(each.tag, each.commit[:10]) for each in found.releases]
    )
    yield from _table(
        "Where tenants were served",
        ("When", "Tenant", "Served by", "Why"),
        [
            (
                f"{each.at:{_DAY}}",
                each.tenant,
                f"{each.placement.cell}/{each.placement.database}",
                each.why,
            )
            for each in found.moves
        ],
    )
    yield from _table(
        "Backups that were restored",
        ("When", "Database", "Backup of", "Seconds", "Tables", "Rows", "Faults"),
        [
            (
                f"{each.at:{_DAY}}",
                each.cluster,
                f"{each.taken:{_DAY}}" if each.taken else "-",
                f"{each.seconds:.0f}",
                str(each.tables),
                str(each.rows),
                "; ".join(each.faults) or "none",
            )
            for each in found.restore_tests
        ],
    )
    yield from _table(
        "Stacks that differed",
        ("Stack", "From", "To", "Issue"),
        [
            (
                each.stack,
                f"{each.opened:{_DAY}}",
                f"{each.closed:{_DAY}}" if each.closed else "still",
                each.address,
            )
            for each in found.drift or ()
        ],
    )


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    if not rows:
        yield "None."
        return
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_text(cell) for cell in row)} |"


def _text(value: str) -> str:
    """Text that breaks no table and names nobody."""
    one_line = " ".join(value.split())
    for special in "\\|<[`*_":
        one_line = one_line.replace(special, f"\\{special}")
    return one_line.replace("@", "@\N{ZERO WIDTH JOINER}")
