"""A move as it may have been, for the report's tests and for the picture of it in docs.

`python tests/database_moves/move_sample.py DIRECTORY` writes its report there; a headless browser
then takes the picture: `chromium --headless --no-sandbox --hide-scrollbars --window-size=960,1500
--screenshot=docs/images/move-report.png DIRECTORY/report.html`.
"""

from __future__ import annotations

import json
import math
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from database_moves.options import MoveOptions
from database_moves.report.document import report
from database_moves.report.page import page
from database_moves.state import (
    MoveState,
    Phase,
    Place,
    Request,
    Sample,
    StepRecord,
    SwapRecord,
    TableVerified,
    VerificationRecord,
)

BEGAN = datetime(2026, 3, 14, 9, 2, 11, tzinfo=UTC)
SIZE = 61_203_283_968
TABLES = (
    ("shop.order_line", 248_113_402),
    ("shop.orders", 41_203_555),
    ("shop.payment", 40_118_021),
    ("shop.customer", 3_120_554),
    ("shop.address", 2_980_113),
    ("audit.event", 1_204_331),
    ("shop.product", 88_102),
    ("shop.price", 86_004),
    ("shop.stock", 44_051),
    ("app.session", 20_931),
    ("app.setting", 412),
    ("shop.country", 249),
    ("shop.currency", 168),
)


def at(seconds: float) -> datetime:
    """A moment of the move."""
    return BEGAN + timedelta(seconds=seconds)


def request(move: str = "orders", **changed: object) -> Request:
    """What was asked for."""
    values: dict[str, object] = {
        "move": move,
        "source": place("source", "orders-16.internal:5432/orders", 160014),
        "target": place("target", "orders-18.internal:5432/orders", 180004),
        "options": MoveOptions(cutover="manual"),
        "warnings": (
            "3 unlogged tables (app.session, app.cache, app.rate) are copied again in the pause",
        ),
        "at": BEGAN,
    }
    return Request.model_validate(values | changed)


def place(side: str, address: str, version: int) -> Place:
    """One of the two databases."""
    return Place.model_validate(
        {
            "side": side,
            "address": address,
            "system_identifier": "74" + "0" * 15 + side[0],
            "database_oid": 16384,
            "server_version": version,
        }
    )


STEPS = (
    ("schema", 0, 4.1, "412 objects", {}),
    ("copy", 4.1, 601.4, "336980342 rows", {"rows": 336_980_342, "bytes": SIZE, "copies": 1}),
    ("indexes", 601.4, 842.9, "37 indexes", {"indexes": 37}),
    ("constraints", 842.9, 871.0, "58 constraints", {}),
    ("follow", 871.0, 962.3, "lag 12 kB", {}),
    ("verify", 962.3, 1310.6, "13 tables", {}),
)


def state(phase: Phase = "soak", **changed: object) -> MoveState:
    """The move after its cutover."""
    values: dict[str, object] = {
        "request": request(),
        "phase": phase,
        "serving": "target",
        "steps": tuple(
            StepRecord(name=name, began=at(begin), ended=at(end), note=note, figures=figures)
            for name, begin, end, note, figures in STEPS
        ),
        "verification": VerificationRecord(
            ended=at(1310.6),
            tables=len(TABLES),
            rows=sum(rows for _, rows in TABLES),
            reread=41,
            differences=0,
            largest=tuple(TableVerified(table=t, rows=r, differences=0) for t, r in TABLES),
        ),
        "swaps": (undone(1, 1480), done(2, 1725)),
    }
    return MoveState.model_validate(values | changed)


def done(number: int, second: float, to: str = "target") -> SwapRecord:
    """A swap that went well."""
    effects = {
        "poolers-paused": 0.0061,
        "fenced": 0.0042,
        "sessions-ended": 0.0113,
        "locked": 0.0052,
        "marked": 0.0031,
        "drained": 0.0184,
        "carried": 0.0149,
        "reverse-advanced": 0.0022,
        "follower-ready": 0.0027,
        "poolers-switched": 0.0041,
        "decided": 0.0029,
        "opened": 0.0036,
        "poolers-resumed": 0.0025,
    }
    pause = sum(effects.values())
    return SwapRecord.model_validate(
        {
            "number": number,
            "to": to,
            "began": at(second),
            "ended": at(second + pause),
            "outcome": "done",
            "pause_seconds": pause,
            "effects": effects,
        }
    )


def undone(number: int, second: float) -> SwapRecord:
    """A swap that a long transaction held up."""
    return SwapRecord(
        number=number,
        to="target",
        began=at(second),
        ended=at(second + 5.07),
        outcome="aborted",
        reason="process 21733 of reporting (nightly.sql) kept its transaction open",
        pause_seconds=5.07,
        effects={
            "poolers-paused": 0.0058,
            "fenced": 0.0044,
            "sessions-ended": 5.02,
            "undone": 0.0398,
        },
    )


def samples(seed: int = 4) -> list[Sample]:
    """What was measured: about once a second."""
    chance = random.Random(seed)
    found = []
    copied = 0.0
    for second in range(5, 1900):
        phase: Phase = "copy" if second < 601 else "indexes" if second < 871 else "follow"
        phase = phase if second < 962 else "verify" if second < 1311 else "ready"
        phase = phase if second < 1725 else "soak"
        values: dict[str, object] = {"at": at(second), "phase": phase, "step": phase}
        if phase == "copy":
            wave = 1 + 0.12 * math.sin(second / 30) + chance.uniform(-0.08, 0.08)
            copied = min(copied + SIZE / 597 * wave, SIZE)
            values |= {"done": copied, "total": float(SIZE), "unit": "bytes"}
        if second > 871:
            backlog = max(0.0, 3.1e9 * (1 - (second - 871) / 88))
            values["lag_bytes"] = int(backlog + chance.expovariate(1 / 9000))
            values["lag_seconds"] = backlog / 4e6 + chance.expovariate(1 / 0.02)
            values["retained_bytes"] = int(backlog + 16 * 1024**2)
        probe = chance.gauss(0.0031, 0.0006)
        probe = probe if second != 1480 else 5.074
        values["wait_seconds"] = max(probe if second != 1725 else 0.0846, 0.001)
        found.append(Sample.model_validate(values))
    return found


def main() -> None:
    """Write the sample's report into a directory."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    made = report(state(), samples(), None, at(1900))
    (directory / "report.html").write_text(page(made), encoding="utf-8")
    content = json.dumps(made.model_dump(mode="json"), indent=2, ensure_ascii=False)
    (directory / "report.json").write_text(f"{content}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
