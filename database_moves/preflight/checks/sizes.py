"""Checks of how much there is to move, how long it takes, and whether there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves.preflight.registry import check
from database_moves.preflight.verdicts import (
    Finding,
    counted,
    fine,
    in_bytes,
    in_seconds,
    refused,
    warning,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from database_moves.preflight.situation import Situation

COPY_BYTES = 40 * 1024**2
"""Bytes a second of rows and indexes together: an assumption, half of what two cores did in the
copy's benchmark. The rate is seen once a copy runs."""

APPLY_BYTES = 20 * 1024**2
"""WAL a second that one applier keeps up with: an assumption."""

DAY = 86_400

# A rate since the server began to count, for a second in which little happens tells little.
_LONG_RATE = """
SELECT wal_bytes::float8 / greatest(extract(epoch FROM now() - stats_reset), 1)::float8
  FROM pg_stat_wal
"""


@check("size.time", fine="size and time are known", needs=("source",))
def time(situation: Situation) -> Iterator[Finding]:
    """How long slots keep WAL, and whether one applier can keep up with the writers."""
    source = situation.source
    seconds, rate = _copy_seconds(situation), _write_rate(situation)
    assumed = f"{in_bytes(_copy_rate(situation))}/s assumed"
    said = (
        f"{in_bytes(source.size)} in {counted(len(source.tables), 'table')}: about "
        f"{in_seconds(max(1, seconds))} at {assumed}; the source writes {in_bytes(rate)}/s of WAL"
    )
    if rate > APPLY_BYTES:
        yield warning(
            f"{said}, more than one applier may keep up with ({in_bytes(APPLY_BYTES)}/s assumed)",
            "move when less is written; the lag shows whether the follower keeps up",
        )
    elif seconds > DAY:
        limited = situation.options.rate_limit is not None
        yield warning(said, f"{'raise or drop --rate-limit, or ' * limited}raise --jobs")
    else:
        yield fine(said)


@check("size.kept-wal", fine="slots may keep as much WAL as a move needs", needs=("source",))
def kept_wal(situation: Situation) -> Iterator[Finding]:
    """A slot that falls behind max_slot_wal_keep_size is lost, and the move starts over.

    -1 lets slots keep WAL until the disk is full.
    """
    limit = situation.source.number("max_slot_wal_keep_size", -1)
    if limit < 0:
        return
    # Until the copy ends nothing is read from the slot; as much again for catching up.
    needed = 2 * _copy_seconds(situation) * _write_rate(situation)
    if needed > limit * 1024**2:
        yield refused(
            f"slots may keep {limit} MiB of WAL (max_slot_wal_keep_size); this move will need "
            f"about {in_bytes(needed)}",
            f"ALTER SYSTEM SET max_slot_wal_keep_size = '{needed * 1.5 / 1024**2:.0f}MB'; SELECT "
            "pg_reload_conf(); (RDS and Aurora: in the parameter group)",
        )
    else:
        yield fine(f"slots may keep {limit} MiB of WAL; about {in_bytes(needed)} are needed")


@check("size.disk", fine="the room that is needed is known")
def disk(situation: Situation) -> Iterator[Finding]:
    """SQL tells what is used, not what is free: a person must look at the rest."""
    source = situation.source
    kept = _copy_seconds(situation) * _write_rate(situation)
    needs = (
        f"the target needs about {in_bytes(source.size * 1.2)}, and its WAL as much again for a "
        f"time; the source keeps about {in_bytes(kept)} of WAL during the copy; free room is not "
        "told by SQL (RDS: FreeStorageSpace; elsewhere: df)"
    )
    if not source.value("SELECT has_function_privilege('pg_catalog.pg_ls_waldir()', 'EXECUTE')"):
        yield warning(
            f"this role does not see how large the source's WAL is; {needs}",
            "GRANT pg_monitor to it, or look at the source's disk by hand",
        )
        return
    wal = source.value("SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()")
    yield fine(f"the source's WAL is {in_bytes(wal)} now; {needs}")


def _copy_rate(situation: Situation) -> float:
    return float(min(situation.options.rate_limit or COPY_BYTES, COPY_BYTES))


def _copy_seconds(situation: Situation) -> float:
    return situation.source.size / _copy_rate(situation)


def _write_rate(situation: Situation) -> float:
    if situation.source.facts.in_recovery:
        return 0.0
    sampled = situation.source.wal_rate(situation.sample_seconds)
    return max(sampled, float(situation.source.value(_LONG_RATE) or 0))
