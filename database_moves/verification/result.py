"""What a verification found, for people and for programs; it holds keys but no other values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

Kind = Literal[
    "missing", "extra", "differs", "doubled", "undecided", "structure", "behind", "unverified"
]
"""Of rows: the follower lacks it, has one too many, has other values, has it more than once; or it
changed so often that nothing was proven. `structure`: the table or object can't be compared.
`behind`: a sequence that would give a value again."""

LISTED = 1_000
"""Differences that are listed of each table; all are counted."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not on the follower as it is on the serving side."""

    table: str
    kind: Kind
    key: dict[str, str]
    """The key's columns as text; empty for tables without a key, and for whole tables."""
    columns: tuple[str, ...] = ()
    """Which columns differ, where that is known."""
    detail: str = ""

    def __str__(self) -> str:
        parts = [f"{self.table}: {self.kind}"]
        if self.key:
            parts.append(", ".join(f"{name} = {value}" for name, value in self.key.items()))
        if self.columns:
            parts.append(f"in {', '.join(self.columns)}")
        if self.detail:
            parts.append(self.detail)
        return "; ".join(parts)


@dataclass(frozen=True)
class TableResult:
    """What was found of one table.

    `verified_at` is when its last range agreed or was decided, in UTC: every row that the serving
    side held when its range was read was then on the follower, and nothing else was. Changes
    after that are the stream's to bring.
    """

    table: str
    rows: int
    """Rows on the serving side, each range counted when it was read."""
    bytes: int
    ranges: int
    reread: int
    """Ranges that differed at first, and were read again."""
    seconds: float
    verified_at: datetime
    counts: dict[str, int]
    """How many differences there are of each kind, listed or not."""


@dataclass(frozen=True)
class Verification:
    """What a run found, with what an earlier run that it resumed had found."""

    serving: str
    follower: str
    tables: tuple[TableResult, ...]
    unverified: tuple[str, ...]
    """Tables that the deadline left out."""
    differences: tuple[Difference, ...]
    seconds: float
    resumed: int
    """Tables that an earlier run had verified and this one left out."""

    @property
    def rows(self) -> int:
        """Rows compared."""
        return sum(table.rows for table in self.tables)

    @property
    def ranges(self) -> int:
        """Ranges compared."""
        return sum(table.ranges for table in self.tables)

    @property
    def reread(self) -> int:
        """Ranges that had to be read again."""
        return sum(table.reread for table in self.tables)

    @property
    def counts(self) -> dict[str, int]:
        """Differences of each kind, over all tables."""
        total: dict[str, int] = {}
        for table in self.tables:
            for kind, count in table.counts.items():
                total[kind] = total.get(kind, 0) + count
        return total

    @property
    def agrees(self) -> bool:
        """Whether every table was compared and every row proven equal."""
        return not self.counts and not self.unverified

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "serving": self.serving,
            "follower": self.follower,
            "agrees": self.agrees,
            "rows": self.rows,
            "ranges": self.ranges,
            "reread": self.reread,
            "seconds": round(self.seconds, 3),
            "resumed": self.resumed,
            "counts": self.counts,
            "unverified": list(self.unverified),
            "tables": [
                asdict(table) | {"verified_at": table.verified_at.isoformat()}
                for table in self.tables
            ],
            "differences": [
                asdict(difference) | {"columns": list(difference.columns)}
                for difference in self.differences
            ],
        }


def render(verification: Verification, *, most: int = 20) -> str:
    """The outcome as lines of text, with at most so many differences of each table."""
    return "\n".join(_lines(verification, most))


def _lines(found: Verification, most: int) -> Iterator[str]:
    yield (
        f"compared {found.rows:,} rows of {len(found.tables):,} tables of {found.follower} with "
        f"{found.serving} in {found.seconds:.1f} s; {found.reread:,} of {found.ranges:,} ranges "
        "read again"
    )
    if found.resumed:
        since = min(table.verified_at for table in found.tables)
        yield f"{found.resumed:,} of the tables were verified before, since {since:%F %T} UTC"
    for table in found.tables:
        listed = [d for d in found.differences if d.table == table.table]
        yield from (f"  {difference}" for difference in listed[:most])
        total = sum(table.counts.values())
        if total > min(most, len(listed)):
            yield f"  {table.table}: {total - min(most, len(listed)):,} more"
    if found.unverified:
        names = ", ".join(found.unverified[:most])
        yield f"not verified in the time given: {len(found.unverified):,} tables: {names}"
    if found.agrees:
        yield "every row agrees"
    elif found.counts:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(found.counts.items()))
        yield f"not equal: {kinds}"
