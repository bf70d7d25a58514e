"""Runs all checks against two databases and changes nothing on either."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg

from database_moves import locks
from database_moves.preflight import checks as _checks
from database_moves.preflight.reaching import address, open_session
from database_moves.preflight.registry import CHECKS
from database_moves.preflight.situation import Server, Situation
from database_moves.preflight.verdicts import LEVELS, Finding, Report, Verdict, fine, refused
from database_moves.progress import Step, silent

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from database_moves.database import Database, Side
    from database_moves.options import MoveOptions
    from database_moves.poolers.pooler import Pooler
    from database_moves.preflight.registry import Check
    from database_moves.progress import Progress

__all__ = ["preflight"]

assert _checks.__name__, "importing the checks registers them"


def preflight(
    source: Database,
    target: Database,
    options: MoveOptions,
    *,
    poolers: Sequence[Pooler] = (),
    progress: Progress = silent,
    only: Collection[str] | None = None,
    sample_seconds: float = 0.5,
) -> Report:
    """Ask everything that can be known before a move; nothing is changed on either server.

    Every check runs, whatever the others say. A side that cannot be reached is a verdict, as is a
    check that fails. `only` names the checks to make, such as those that change from day to day;
    an unknown name raises `KeyError`. The write rate is measured for `sample_seconds` at least.
    """
    begun = time.monotonic()
    chosen = list(CHECKS.values()) if only is None else [CHECKS[name] for name in only]
    servers, faults = _reach(source, target)
    try:
        situation = Situation(
            servers,
            faults,
            options,
            poolers,
            tuple(check.name for check in chosen if any(side in faults for side in check.needs)),
            sample_seconds,
        )
        verdicts = _run(chosen, situation, progress)
    finally:
        for server in servers.values():
            server.connection.close()
    verdicts.sort(key=lambda verdict: LEVELS.index(verdict.level))
    return Report(address(source), address(target), tuple(verdicts), time.monotonic() - begun)


def judge(check: Check, situation: Situation) -> list[Verdict]:
    """The verdicts of one check; one that fails is a verdict of its own."""
    try:
        findings: list[Finding] = list(check.look(situation)) or [fine(check.fine)]
    except psycopg.errors.LockNotAvailable:
        findings = [_held(situation)]
    except Exception as error:
        # The text of an error may quote what it choked on; its class and code cannot.
        code = f" ({error.sqlstate})" if isinstance(error, psycopg.Error) and error.sqlstate else ""
        findings = [
            refused(
                f"this check failed with {type(error).__name__}{code}, so what it looks at is "
                "not known",
                "run the preflight again; if the check fails again, report it",
            )
        ]
    return [
        Verdict(check.name, found.level, found.message, found.remedy, found.objects)
        for found in findings
    ]


def _held(situation: Situation) -> Finding:
    named: list[str] = []
    for side, server in situation.servers.items():
        with contextlib.suppress(psycopg.Error):
            held = locks.holding(server.connection, locks.READING)
            named += [f"on the {side}, {holder}" for holder in held]
    return refused(
        "what it looks at is locked by another session: "
        + ("; ".join(named) or "nobody holds it any more"),
        "let that transaction end, or end it, and run the preflight again",
    )


def _run(chosen: Sequence[Check], situation: Situation, progress: Progress) -> list[Verdict]:
    verdicts: list[Verdict] = []
    for done, check in enumerate(chosen):
        progress(Step("preflight", done, len(chosen), "checks", check.name))
        if check.name not in situation.not_checked:
            verdicts += judge(check, situation)
    progress(Step("preflight", len(chosen), len(chosen), "checks"))
    return verdicts


def _reach(
    source: Database, target: Database
) -> tuple[dict[Side, Server], dict[Side, tuple[str, str]]]:
    servers: dict[Side, Server] = {}
    faults: dict[Side, tuple[str, str]] = {}
    with ThreadPoolExecutor(2) as pool:
        for database, reached in zip(
            (source, target), pool.map(open_session, (source, target)), strict=True
        ):
            if isinstance(reached, Server):
                servers[database.side] = reached
            else:
                faults[database.side] = reached
    return servers, faults
