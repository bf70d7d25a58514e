"""The report of a move as data: its shape, what it keeps of long moves, and what it says."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import jsonschema
import move_sample
import pytest

from database_moves import schemas
from database_moves.next_steps import remaining
from database_moves.options import MoveOptions
from database_moves.report.document import SAMPLES, MoveReport, report
from database_moves.report.series import copy_rate
from database_moves.report.thinning import thin

if TYPE_CHECKING:
    from database_moves.state import MoveState


def made(state: MoveState) -> MoveReport:
    return report(state, move_sample.samples(), None, move_sample.at(1900))


def test_the_stored_schemas_are_those_of_the_code() -> None:
    assert schemas.main(["--check"]) == 0


def test_a_report_is_as_its_schema_says_and_can_be_read_back() -> None:
    text = made(move_sample.state()).model_dump_json()
    jsonschema.validate(json.loads(text), json.loads(schemas.text_of("move-report")))
    again = MoveReport.model_validate_json(text)
    assert again.writes_waited == pytest.approx(0.0812)
    assert again.longest_wait == pytest.approx(5.074)
    assert (again.rows, again.bytes) == (336_980_342, move_sample.SIZE)


def test_thinning_keeps_the_order_the_ends_and_every_peak_of_its_run() -> None:
    samples = move_sample.samples() * 3
    samples = [
        sample.model_copy(update={"at": move_sample.at(second)})
        for second, sample in enumerate(samples)
    ]
    peak = samples[4321].model_copy(update={"lag_bytes": 10**15, "wait_seconds": 99.0})
    samples[4321] = peak
    kept = thin(samples, SAMPLES)
    assert len(kept) <= SAMPLES
    assert peak in kept
    assert kept[-1] == samples[-1]
    assert [sample.at for sample in kept] == sorted(sample.at for sample in kept)


def test_a_copy_that_started_over_never_has_a_negative_rate() -> None:
    samples = [sample for sample in move_sample.samples() if sample.phase == "copy"]
    again = [
        sample.model_copy(update={"at": sample.at + timedelta(seconds=600)}) for sample in samples
    ]
    rates = [rate for _, rate in copy_rate([*samples, *again])]
    assert min(rates) >= 0
    mean = sum(rates) / len(rates)
    assert mean == pytest.approx(move_sample.SIZE / 597, rel=0.1)


@pytest.mark.parametrize(
    ("state", "said", "commands"),
    [
        (move_sample.state("copy", swaps=(), serving="source"), "Under way (copy)",
         ["move", "abort"]),
        (move_sample.state("ready", swaps=(), serving="source"), "Ready to cut over",
         ["cutover", "abort"]),
        (move_sample.state("ready", swaps=(move_sample.undone(1, 9),), serving="source"),
         "The last cutover was undone", ["cutover", "abort"]),
        (move_sample.state("cutover", serving="source"), "A swap is under way",
         ["cutover", "abort"]),
        (move_sample.state(), "Moved: ", ["finish", "rollback"]),
        (
            move_sample.state("rolled-back", serving="source"),
            "Rolled back",
            ["cutover", "finish", "abort"],
        ),
        (move_sample.state("finished"), "Moved and finished: orders-18", []),
        (move_sample.state("finished", serving="source"), "Finished without the target", []),
        (move_sample.state("aborted", serving="source", swaps=()), "Given up: orders-16", []),
    ],
)  # fmt: skip
def test_each_phase_says_who_serves_and_what_may_be_run(
    state: MoveState, said: str, commands: list[str]
) -> None:
    assert made(state).headline.startswith(said)
    found = [step.command for step in remaining(state) if step.command]
    assert found == [f"patchworks database {command} orders" for command in commands]


def test_without_a_way_back_none_is_offered() -> None:
    request = move_sample.request(options=MoveOptions(rollback=False))
    (only,) = remaining(move_sample.state(request=request))
    assert only.command == "patchworks database finish orders"
