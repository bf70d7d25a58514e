"""More stacks than a matrix holds are shared out over its jobs, by how long each took before."""

import pytest

from delivery.batches import MOST_JOBS, UNMEASURED_SECONDS, batches

CELLS = ("prod-a", "prod-b")


def shared(tenants, seconds, most=MOST_JOBS):
    """Tenants as (name, cell) pairs, behind a stack of each cell."""
    stacks = [f"cell.{cell}" for cell in CELLS] + [f"tenant.{name}" for name, _ in tenants]
    cell_of = {f"cell.{cell}": cell for cell in CELLS}
    cell_of |= {f"tenant.{name}": cell for name, cell in tenants}
    return stacks, batches(stacks, cell_of=cell_of, seconds=seconds, most=most)


def test_few_stacks_get_a_job_each_and_cells_come_first():
    stacks, found = shared([("x", "prod-a"), ("y", "prod-b")], {})
    assert [job.stacks for job in found] == [(stack,) for stack in stacks]
    assert [job.cell for job in found] == ["prod-a", "prod-b", "prod-a", "prod-b"]


def test_a_thousand_tenants_fit_into_one_matrix_and_none_is_lost_or_doubled():
    tenants = [(f"t{n}", CELLS[n % 2]) for n in range(1000)]
    stacks, found = shared(tenants, {})
    assert len(found) == MOST_JOBS
    assert sorted(stack for job in found for stack in job.stacks) == sorted(stacks)


def test_jobs_take_about_as_long_as_each_other_by_what_was_measured():
    tenants = [(f"t{n}", CELLS[n % 2]) for n in range(600)]
    took = {f"tenant.t{n}": 20.0 + (n * 37) % 400 for n in range(600)}
    _, found = shared(tenants, took)
    loads = [job.seconds for job in found if job.stacks[0].startswith("tenant.")]
    longest_stack = max(took.values())
    assert max(loads) <= sum(loads) / len(loads) + longest_stack
    assert max(loads) < 2 * min(loads) + longest_stack


def test_a_cell_whose_tenants_take_longer_gets_more_jobs():
    tenants = [(f"a{n}", "prod-a") for n in range(100)] + [(f"b{n}", "prod-b") for n in range(100)]
    took = {f"tenant.{name}": 300.0 if cell == "prod-a" else 30.0 for name, cell in tenants}
    _, found = shared(tenants, took, most=42)
    jobs = [job.cell for job in found if job.stacks[0].startswith("tenant.")]
    assert jobs.count("prod-a") > 5 * jobs.count("prod-b")


def test_a_job_is_of_one_cell_as_its_runner_is():
    tenants = [(f"t{n}", CELLS[n % 2]) for n in range(300)]
    cell_of = {f"tenant.{name}": cell for name, cell in tenants}
    _, found = shared(tenants, {}, most=20)
    for job in found:
        assert {cell_of.get(stack, job.cell) for stack in job.stacks} == {job.cell}


def test_what_was_never_measured_counts_as_long():
    _, found = shared([("new", "prod-a"), ("old", "prod-a")], {"tenant.old": 10.0})
    assert {job.stacks[0]: job.seconds for job in found}["tenant.new"] == UNMEASURED_SECONDS


def test_nothing_to_do_makes_no_job():
    assert batches([], cell_of={}, seconds={}) == []


def test_more_cells_than_jobs_are_refused():
    with pytest.raises(ValueError, match="more than 3 jobs"):
        shared([("x", "prod-a"), ("y", "prod-b")], {}, most=3)
