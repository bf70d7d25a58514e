"""What a move does not take in its phase is refused with the commands that it does take."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import move_sample
import pytest
from psycopg.conninfo import make_conninfo

from database_moves import admission, names, next_steps
from database_moves.admission import Verb
from database_moves.errors import RefusedError
from database_moves.options import MoveOptions
from database_moves.state import MoveState, Phase
from tenant_moves.context import driven_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.mover import Mover
    from made import Made

VERBS: tuple[Verb, ...] = get_args(Verb)
PHASES: tuple[Phase, ...] = get_args(Phase)


def standing(phase: Phase, *, rollback: bool = True) -> MoveState:
    serving = "target" if phase in ("soak", "rollback", "finishing", "finished") else "source"
    options = MoveOptions(cutover="manual", rollback=rollback)
    return move_sample.state(phase, serving=serving, request=move_sample.request(options=options))


@pytest.mark.parametrize("phase", PHASES)
def test_every_phase_has_a_way_out_and_every_refusal_names_commands_that_are_taken(
    phase: Phase,
) -> None:
    state = standing(phase)
    offered = [step.command.split()[2] for step in next_steps.remaining(state) if step.command]
    over = phase in ("finished", "aborted")
    assert bool(offered) is not over
    assert all(admission.allowed(verb, phase) for verb in VERBS if verb in offered)
    assert {"finish", "abort", "rollback", "cutover"} & set(offered) or over
    for verb in VERBS:
        if admission.allowed(verb, phase):
            admission.admit(state, verb)
            continue
        with pytest.raises(RefusedError) as refusal:
            admission.admit(state, verb)
        assert f"move {state.request.move} can't be" in str(refusal.value)
        assert phase in str(refusal.value)
        assert all(f"database {command} " in str(refusal.value) for command in offered)
        assert not over or "another name" in str(refusal.value)


@pytest.mark.parametrize("phase", PHASES)
def test_who_drives_a_move_by_other_commands_is_told_of_none_of_the_usual_ones(
    phase: Phase,
) -> None:
    others = driven_by("acme")
    state = standing(phase)
    request = state.request.model_copy(update={"driven_by": others})
    state = state.model_copy(update={"request": request})
    told = [str(step) for step in next_steps.remaining(state)]
    for verb in VERBS:
        if not admission.allowed(verb, phase):
            with pytest.raises(RefusedError) as refusal:
                admission.admit(state, verb)
            told.append(str(refusal.value))
            assert "`patchworks tenant " in told[-1]
    assert not [text for text in told if "patchworks database" in text]


def test_a_move_without_a_way_back_is_not_rolled_back_but_finished() -> None:
    with pytest.raises(RefusedError, match=r"--no-rollback.*database finish"):
        admission.admit(standing("soak", rollback=False), "rollback")
    admission.admit(standing("soak", rollback=False), "finish")


def test_one_database_is_in_one_move_whatever_its_names_and_addresses(
    pair: tuple[Made, Made], make_database: Callable[[int], Made], make_mover: Callable[..., Mover]
) -> None:
    source, target = pair
    other = make_database(18)
    with source.owner() as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY)")

    elsewhere = make_conninfo(source.mover_dsn, host="localhost")
    same = make_mover(source, target, environment={"PATCHWORKS_TARGET": elsewhere})
    ended = same.run("database", "move", "orders")
    assert ended.code == 3
    assert "same database" in ended.stderr + ended.stdout

    mover = make_mover(source, target)
    assert mover.run("database", "move", "orders", "--cutover", "manual").code == 0
    ended = make_mover(source, other).run("database", "move", "another")
    assert ended.code == 3
    assert "is in the move orders" in ended.stderr
    ended = make_mover(source, other).run("database", "cutover", "orders")
    assert ended.code == 3
    assert "another target" in ended.stderr
    assert mover.run("database", "finish", "unheard-of").code == 3

    # The lease is held as another mover would hold it.
    with target.as_database("target").session("lease orders") as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", (names.LEASE_KEY,))
        ended = mover.run("database", "cutover", "orders")
        assert ended.code == 3
        assert "another mover works on" in ended.stderr
    assert mover.run("database", "abort", "orders").code == 0
