"""Proves that a single row is wrong on the follower, while both sides are being written.

A row is asked for by its key; what a side answers is the multiset of the row's versions there,
each with its hash and xmin: none where the row is absent, two where it is doubled. Below, *in
commit order* means the order of commit records in the serving side's WAL, in which a correct
follower applies; a correct follower's state is the serving side's at some place in that order.

Agreement. The row is settled as soon as one answer of the follower has the same hashes as one
answer of the serving side that was read within the same attempt. The serving side had just these
values at a moment of the attempt; whatever came later comes by the stream. A row that never rests
is read over and over while the attempt waits, so that the version which the follower shows is
among those seen.

A row that the serving side has (kinds missing, differs, doubled). Read s1 on the serving side;
note a position P past every commit that s1 saw; wait until the follower has applied up to P; read
f; wait for the horizon (below); read s2. If s2 has the same versions as s1 (xmin and hash) and f
has other hashes, the follower is wrong. For suppose it is correct: f is its state at a place L at
or after P. Had a transaction replaced one of s1's versions at or before L, it would have been
committed in WAL before f was read, so by the horizon it would be visible in s2, whose xmin would
be another: an xmin is never that of another transaction within an attempt, and one transaction
leaves one visible version. So at L the row is s1's, and f has s1's hashes. Contradiction.

A row that the serving side lacks (kind extra). Equal absences prove nothing: the row can have been
inserted after s1, and deleted before s2, with f in between (ABA). So the follower is the one that
is read twice. After f and the horizon, read s2: absent; note P2; wait until the follower has
applied up to P2; read f2. If f2 has the same versions as f (xmin and hash, the follower's own), it
is wrong. For suppose it is correct: the row exists unchanged in commit order from f's place L1 to
f2's place L2, and L2 is at or after P2. Its insertion, at or before L1, was in WAL before f, so by
the horizon visible to s2. Its deletion, if s2 saw one, was before P2, so applied by f2, after
which f2 would show no version or a newer xmin; nor was it before L1, where f shows the row. So s2
sees the row. Contradiction.

The horizon. A commit record is in WAL, flushed and perhaps applied by the follower before the
transaction leaves the list of running ones and becomes visible: a moment as a rule, long where
commits wait for a synchronous standby. So the follower can be ahead of what the serving side
shows. After f the running transactions are listed; the horizon is reached when none of them runs
any more, or when those that do were seen afterwards idle in an open transaction, so that they
can't have written their commit record before. A version whose xmax is 0 in s2 needs no horizon:
who replaces a version writes its xmax before its commit record, and nothing sets it to 0 again
once committed.

What is neither settled nor proven is asked again, and reported as undecided at the end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from database_moves.verification.catalog import Layout
    from database_moves.verification.position import AppliedPosition
    from database_moves.verification.session import Pair, Session
    from database_moves.verification.statements import Identity, Side, Statements

Fault = Literal["missing", "extra", "differs", "doubled"]

SAMPLED_ROWS = 100
"""So few rows are read over and over while an attempt waits for the follower."""

_SAMPLE_SECONDS = 0.01
_HORIZON_SECONDS = 5.0

# Sessions of other roles show their state to members of pg_read_all_stats only; one whose state
# is not shown counts as running.
_STILL_RUNNING = """
SELECT count(*) FROM pg_snapshot_xip(pg_current_snapshot()) AS x
 WHERE x::text = ANY(%s)
   AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.backend_xid = x::xid
                   AND a.state IN ('idle in transaction', 'idle in transaction (aborted)'))
"""


class Version(NamedTuple):
    """One version of a row as a side showed it."""

    hash: int
    xmin: str
    xmax: str
    place: str
    key: tuple[str, ...]


Answer = tuple[Version, ...]
"""All versions of one row that a side showed, sorted by hash; empty where it is absent."""


@dataclass(frozen=True)
class Attempt:
    """What one attempt read of one row."""

    seen: frozenset[tuple[int, ...]]
    """Hashes of every answer of the serving side but `second`."""
    first: Answer
    follower: Answer
    horizon: bool
    second: Answer
    follower_again: Answer | None
    """Read where it was needed, after a position past `second`."""


def hashes(answer: Answer) -> tuple[int, ...]:
    """The values of an answer."""
    return tuple(version.hash for version in answer)


def _versions(answer: Answer) -> list[tuple[int, str]]:
    return sorted((version.hash, version.xmin) for version in answer)


def decide(attempt: Attempt) -> Fault | Literal["agrees", "again"]:
    """What an attempt proves; the argument is the module's."""
    serving = attempt.seen | {hashes(attempt.first), hashes(attempt.second)}
    for answer in (attempt.follower, attempt.follower_again):
        if answer is not None and hashes(answer) in serving:
            return "agrees"
    if not attempt.second:
        again = attempt.follower_again
        same = again is not None and _versions(again) == _versions(attempt.follower)
        return "extra" if attempt.horizon and attempt.follower and same else "again"
    visible = attempt.horizon or all(version.xmax == "0" for version in attempt.second)
    if not visible or _versions(attempt.first) != _versions(attempt.second):
        return "again"
    if not attempt.follower:
        return "missing"
    found, wanted = len(attempt.follower), len(attempt.second)
    if found == wanted:
        return "differs"
    return "doubled" if found > wanted else "missing"


@dataclass(frozen=True)
class Wrong:
    """A row that is proven wrong, or undecided."""

    identity: Identity
    kind: Literal["missing", "extra", "differs", "doubled", "undecided"]
    key: tuple[str, ...]
    place: str
    """The row's ctid and side, for tables that have no key."""
    copies: int
    """How many rows that is: without a key equal rows are one identity."""


class Prover:
    """Reads rows of one table until each is settled."""

    def __init__(
        self,
        pair: Pair,
        statements: Statements,
        position: AppliedPosition,
        applied: Callable[[str], None],
    ) -> None:
        """`applied` waits for a position, and raises if the follower doesn't get there."""
        self._pair = pair
        self._statements = statements
        self._position = position
        self._applied = applied

    def prove(
        self, layout: Layout, asked: Sequence[Identity], *, attempts: int, patience: float
    ) -> list[Wrong]:
        """The rows that are wrong, and those undecided after attempts and seconds have passed."""
        wrong: list[Wrong] = []
        left = list(asked)
        since = time.monotonic()
        tried = 0
        again: list[tuple[Identity, Attempt]] = []
        while left and (tried < attempts or time.monotonic() - since < patience):
            if tried:
                time.sleep(min(0.5, 0.02 * tried))
            tried += 1
            again = []
            for identity, attempt in zip(left, self._attempt(layout, left), strict=True):
                verdict = decide(attempt)
                if verdict == "again":
                    again.append((identity, attempt))
                elif verdict != "agrees":
                    wrong.append(_wrong(identity, verdict, attempt))
            left = [identity for identity, _ in again]
        return wrong + [_wrong(identity, "undecided", attempt) for identity, attempt in again]

    def _attempt(self, layout: Layout, asked: Sequence[Identity]) -> list[Attempt]:
        def read(session: Session, side: Side) -> list[Answer]:
            return _answers(
                session.rows(
                    self._statements.versions(layout, side, asked), by_index=bool(layout.key)
                ),
                len(asked),
            )

        serving, follower = self._pair.serving, self._pair.follower
        first = read(serving, "serving")
        seen = [{hashes(answer)} for answer in first]

        def sample() -> None:
            for answers, answer in zip(seen, read(serving, "serving"), strict=True):
                answers.add(hashes(answer))

        self._wait(self._position.now(), sample if len(asked) <= SAMPLED_ROWS else None)
        shown = read(follower, "follower")
        horizon, second, again = True, first, None
        if any(hashes(answer) not in was for answer, was in zip(shown, seen, strict=True)):
            horizon = self._horizon()
            second = read(serving, "serving")
            if any(a and not b for a, b in zip(shown, second, strict=True)):
                self._applied(self._position.now())
                again = read(follower, "follower")
        return [
            Attempt(
                frozenset(seen[n]),
                first[n],
                shown[n],
                horizon,
                second[n],
                again[n] if again is not None else None,
            )
            for n in range(len(asked))
        ]

    def _wait(self, position: str, sample: Callable[[], None] | None) -> None:
        if sample is not None:
            until = time.monotonic() + 1.0
            while not self._position.wait(position, _SAMPLE_SECONDS):
                if time.monotonic() > until:
                    break
                sample()
        self._applied(position)
        if sample is not None:
            sample()

    def _horizon(self) -> bool:
        session = self._pair.serving
        running = [
            row[0] for row in session.rows("SELECT pg_snapshot_xip(pg_current_snapshot())::text")
        ]
        until = time.monotonic() + _HORIZON_SECONDS
        while running:
            if not session.rows(_STILL_RUNNING, (running,))[0][0]:
                return True
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True


def _answers(rows: Sequence[tuple[Any, ...]], count: int) -> list[Answer]:
    found: list[list[Version]] = [[] for _ in range(count)]
    for n, key, row_hash, xmin, xmax, place in rows:
        found[n - 1].append(Version(row_hash, xmin, xmax, place, tuple(key)))
    return [tuple(sorted(versions)) for versions in found]


def _wrong(identity: Identity, kind: Fault | Literal["undecided"], attempt: Attempt) -> Wrong:
    serving, follower = attempt.second, attempt.follower
    shown = serving or follower or attempt.first
    key = shown[0].key if shown else (identity if not isinstance(identity, int) else ())
    place = ""
    if isinstance(identity, int) and shown:
        place = f"ctid {shown[0].place} on the {'serving side' if serving else 'follower'}"
    return Wrong(identity, kind, key, place, max(1, abs(len(serving) - len(follower))))
