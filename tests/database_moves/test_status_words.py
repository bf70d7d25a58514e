"""How a move stands, from what is known of it: who serves, how fast it goes, and in which words."""

from __future__ import annotations

import json
from datetime import timedelta

import jsonschema
import move_sample
import pytest

from database_moves import schemas
from database_moves.report.document import report
from database_moves.report.page import page
from database_moves.state import MoveState, Sample
from database_moves.status import pace
from database_moves.status.document import Following, Made, Mover, MoveStatus, SideNow, ToDo
from database_moves.status.serving import serving
from scripts.database_status_lines import facts, line


def status(**changed: object) -> MoveStatus:
    values: dict[str, object] = {
        "at": move_sample.at(100),
        "move": "orders",
        "phase": "copy",
        "serving": "source",
        "serving_from": "gates",
        "source": side("a:5432/orders", answers=True, gate="open"),
        "target": side("b:5432/orders", answers=True, gate="closed"),
        "mover": Mover(running=True, described="process 7 of mover from this machine"),
        "step": pace.step_now(begun(), copying((0, 0), (10, 500_000_000))),
        "following": None,
        "verification": None,
        "swap": None,
        "error": None,
        "next": (ToDo(text="To go on", command="patchworks database move orders"),),
    }
    return MoveStatus.model_validate(values | changed)


def side(address: str, **changed: object) -> SideNow:
    values: dict[str, object] = {"address": address, "server_version": 160014}
    return SideNow.model_validate(values | changed)


def begun() -> MoveState:
    return MoveState(request=move_sample.request(), phase="copy", serving="source")


def copying(*measured: tuple[float, float], total: float = 2_000_000_000) -> list[Sample]:
    return [
        Sample(
            at=move_sample.at(at), phase="copy", step="copy", done=done, total=total, unit="bytes"
        )
        for at, done in measured
    ]


def text_of(found: MoveStatus) -> str:
    return "\n".join(f"{label}: {value}" for label, values in facts(found) for value in values)


@pytest.mark.parametrize(
    ("source", "target", "stored", "expected"),
    [
        ("open", "closed", "target", ("source", "gates")),
        ("closed", "open", "source", ("target", "gates")),
        ("handed-over", "open", "source", ("target", "gates")),
        ("fenced", "closed", "source", (None, "gates")),
        ("handed-over", "closed", "source", (None, "gates")),
        (None, None, "source", ("source", "store")),
        (None, "closed", "source", ("source", "store")),
        ("closed", None, "target", ("target", "store")),
    ],
)
def test_who_serves_is_what_the_gates_say(
    source: str | None, target: str | None, stored: str, expected: tuple[str | None, str]
) -> None:
    found = serving({"source": source, "target": target}, stored)  # type: ignore[arg-type]
    assert (found.side, found.read_from) == expected


def test_a_side_that_was_not_heard_is_not_said_to_have_no_gate() -> None:
    assert "was not heard" in serving({"target": "closed"}, "source").note
    assert "has no gate" in serving({"target": "closed", "source": None}, "source").note


def test_rate_and_time_left_are_those_of_the_last_half_minute() -> None:
    found = pace.step_now(begun(), copying((0, 0), (100, 100), (110, 1000), (120, 1100)))
    assert found is not None
    assert found.rate == pytest.approx(50)
    assert found.seconds_left == pytest.approx((2_000_000_000 - 1100) / 50)


def test_a_copy_that_started_over_has_the_rate_of_its_second_start() -> None:
    found = pace.step_now(begun(), copying((0, 900), (1, 1900), (2, 0), (4, 10)))
    assert found is not None
    assert found.rate == pytest.approx(5)


def test_a_step_that_has_ended_is_not_under_way() -> None:
    samples = copying((0, 0), (10, 500))
    record = move_sample.state().steps[0].model_copy(update={"ended": move_sample.at(10.5)})
    state = begun().model_copy(update={"steps": (record,)})
    assert pace.step_now(state, samples) is None
    assert pace.step_now(state, [*samples, *copying((12, 600))]) is not None


def test_lag_that_was_measured_before_a_cutover_is_not_that_of_the_new_follower() -> None:
    sample = Sample(at=move_sample.at(5), phase="verify", step="verify", lag_bytes=9)
    swap = move_sample.state().swaps[-1].model_copy(update={"outcome": "done"})
    before = begun().model_copy(
        update={"swaps": (swap.model_copy(update={"ended": move_sample.at(4)}),)}
    )
    after = begun().model_copy(
        update={"swaps": (swap.model_copy(update={"ended": move_sample.at(6)}),)}
    )
    assert pace.stored_lag("target", before, [sample]) is not None
    assert pace.stored_lag("source", after, [sample]) is None


@pytest.mark.parametrize(
    ("lags", "trend"),
    [
        ((50_000_000, 20_000_000), "nearer"),
        ((20_000_000, 50_000_000), "away"),
        ((900, 300_000), "level"),
    ],
)
def test_the_trend_of_lag_is_told_where_it_is_more_than_one_commit(
    lags: tuple[int, int], trend: str
) -> None:
    samples = [
        Sample(at=move_sample.at(5 + n), phase="follow", step="follow", lag_bytes=lag)
        for n, lag in enumerate(lags)
    ]
    found = pace.stored_lag("target", begun(), samples)
    assert found is not None
    assert found.trend == trend
    assert (found.seconds_left is not None) == (trend == "nearer")


def test_a_status_is_as_its_schema_says() -> None:
    jsonschema.validate(
        json.loads(status().model_dump_json()), json.loads(schemas.text_of("move-status"))
    )


def test_a_step_is_told_with_share_amount_rate_and_time_left() -> None:
    told = text_of(status())
    assert "step: copy: 25 %, 477 MiB of 1.86 GiB, 47.7 MiB/s, 30.0 s left" in told
    assert "[######" in told
    assert "25 %, 477 MiB of 1.86 GiB, 47.7 MiB/s, 30.0 s left" in line(status())


def test_what_is_wrong_is_told() -> None:
    found = status(
        phase="soak",
        step=None,
        mover=Mover(running=False),
        source=side("a:5432/orders", answers=False, error="connection refused"),
        target=side(
            "b:5432/orders",
            answers=True,
            gate="open",
            made=(
                Made(
                    kind="slot",
                    name="pw_x_reverse",
                    active=False,
                    retained_bytes=5 * 1024**3,
                    wal_status="extended",
                ),
            ),
        ),
        following=Following(
            follower="source",
            measured="live",
            at=move_sample.at(1),
            lag_bytes=5 * 1024**3,
            faults=("the subscription is disabled",),
            trend="away",
            written_rate=2e6,
            applied_rate=0.0,
        ),
        error="copy: the target's disk is full",
    )
    told = text_of(found)
    assert "source: does not answer: connection refused" in told
    assert "slot pw_x_reverse, not in use, extended, keeps 5.00 GiB of WAL" in told
    assert "5.00 GiB, falling behind (1.91 MiB/s written, 0 B/s applied)" in told
    assert "lag: the subscription is disabled" in told
    assert "mover: none runs" in told
    assert "error: copy: the target's disk is full" in told
    assert "the source does not answer" in line(found)


def test_a_pause_in_which_the_mover_was_interrupted_is_not_said_to_have_taken_no_time() -> None:
    swap = move_sample.done(1, 5).model_copy(update={"pause_seconds": 0.0})
    told = dict(facts(status(swap=swap)))["cutover"][0]
    assert "not known" in told
    assert "0" not in told
    state = move_sample.state().model_copy(update={"swaps": (swap,)})
    written = page(report(state, move_sample.samples(), None, move_sample.at(1900)))
    assert "not known, as the mover was interrupted" in written
    assert "How long writes waited is not known" in written


def test_what_is_stored_and_what_was_asked_is_told_apart() -> None:
    stored = status(
        source=side("a", answers=None), target=side("b", answers=None), serving_from="store"
    )
    assert "as stored; give --source and --target to ask the servers" in text_of(stored)
    assert "both servers asked" in text_of(status())
    half = status(target=side("b", answers=None))
    assert "as stored; give --target to ask the servers" in text_of(half)


def test_a_failure_is_told_until_a_step_ends_well() -> None:
    from database_moves.state import Failure
    from database_moves.store import _error

    steps = [move_sample.state().steps[0].model_copy(update={"ended": move_sample.at(50)})]
    early = Failure(at=move_sample.at(50) - timedelta(seconds=1), step="copy", text="early")
    late = Failure(at=move_sample.at(51), step="verify", text="late")
    assert _error([early, late], steps) == "verify: late"
    assert _error([early], steps) is None
