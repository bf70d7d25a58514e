"""Which stacks a catalog changes, by whom they are looked at, and what a comment says of them."""

from collections import Counter

import pytest

from catalog.load import find_root, load
from catalog.tenant import Served
from delivery.batches import MOST_JOBS
from delivery.preview_report import markdown
from delivery.previewing import affected, jobs, possibly, share_of

PLACE = {"cell": "prod-us-east-1", "database": "pool-a"}


@pytest.fixture(scope="module")
def catalog():
    return load(find_root())


def with_tenant(catalog, name, **changes):
    tenants = dict(catalog.tenants)
    tenants[name] = tenants[name].model_copy(update=changes)
    return catalog.model_copy(update={"tenants": tenants})


def with_cell(catalog, name, **changes):
    cells = dict(catalog.cells)
    cells[name] = cells[name].model_copy(update=changes)
    return catalog.model_copy(update={"cells": cells})


def test_a_line_of_a_tenant_concerns_its_stack_alone(catalog):
    found = affected(catalog, with_tenant(catalog, "brightwater", cost_centre="other"), {})
    assert found.differ == {"prod": ("tenant.brightwater",)}
    assert (found.new, found.gone, found.organization) == ((), (), False)


def test_a_cell_concerns_its_tenants_and_those_that_are_served_there_still(catalog):
    changed = with_cell(catalog, "prod-us-east-1", cost_centre="other")
    alone = affected(catalog, changed, {}).differ["prod"]
    assert alone[0] == "cell.prod-us-east-1"
    assert "tenant.brightwater" not in alone
    ledger = {"brightwater": Served.model_validate(PLACE)}
    assert "tenant.brightwater" in affected(catalog, changed, ledger).differ["prod"]
    # Jobs are made before the ledger can be read, and so for all that may differ.
    assert possibly(catalog, changed)["prod"] >= len(alone) + 1


def test_what_is_new_or_gone_has_nothing_to_compare_with(catalog):
    tenants = {k: v for k, v in catalog.tenants.items() if k != "fernhill"}
    fewer = catalog.model_copy(update={"tenants": tenants})
    assert affected(catalog, fewer, {}).gone == ("tenant.fernhill",)
    found = affected(fewer, catalog, {})
    assert (found.new, found.differ) == (("tenant.fernhill",), {})


def test_more_stacks_than_a_matrix_holds_share_jobs_and_each_stack_has_one():
    counts = {"dev": 3, "staging": 700, "prod": 9000}
    made = jobs(counts)
    assert len(made) <= MOST_JOBS
    assert {each["environment"] for each in made} == counts.keys()
    for environment, count in counts.items():
        stacks = [f"tenant.t{number}" for number in range(count)]
        shares = [each["share"] for each in made if each["environment"] == environment]
        dealt = Counter(stack for share in shares for stack in share_of(stacks, share))
        assert dealt == Counter(stacks)
    assert jobs({"dev": 0}) == []


@pytest.mark.parametrize("share", ["", "1", "0/2", "3/2", "-1/2", "1/0", "a/b", "1/2/3", "٣/٤"])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match="no share"):
        share_of(["tenant.a"], share)


SCOPE = {"commit": "a" * 40, "ignored": [], "new": [], "gone": [], "organization": False}
HOSTILE = "</code><script>x</script> @security **b** [l](https://evil.example) `x` | \x1b[2J\n# h"


def change(operation, name="n", **more):
    return {
        "operation": operation, "type": "aws:ec2/vpc:Vpc", "name": name, "properties": [],
        "forced_by": [], **more,
    }  # fmt: skip


def test_a_comment_tells_replacements_first_and_what_could_not_be_looked_at():
    documents = [
        SCOPE | {"new": ["tenant.new"], "gone": ["tenant.old"], "organization": True},
        {"stack": "tenant.a", "counts": {"update": 1}, "changes": [change("update")]},
        {
            "stack": "tenant.b",
            "counts": {"replace": 1},
            "changes": [change("replace", properties=["cidr"], forced_by=["cidr"])],
        },
        {"stack": "tenant.c", "problem": "no such stack"},
        {"stack": "tenant.d", "counts": {}, "changes": []},
    ]
    said = markdown(documents)
    assert "2 of 4 stacks would change, 1 would not, and 1 can't be told." in said
    assert said.index("tenant.c") < said.index("tenant.b") < said.index("tenant.a")
    assert "**replaced**, because of <code>cidr</code>" in said
    assert "tenant.d" not in said
    for each in ("tenant.new", "tenant.old", "management account"):
        assert each in said


@pytest.mark.parametrize("place", ["stack", "name", "properties", "problem", "unfit"])
def test_nothing_that_a_pull_request_chose_is_read_as_markdown(place):
    found = {"stack": "tenant.a", "counts": {"update": 1}, "changes": [change("update")]}
    scope = dict(SCOPE)
    if place == "stack":
        found["stack"] = HOSTILE
    elif place == "problem":
        found = {"stack": "tenant.a", "problem": HOSTILE}
    elif place == "unfit":
        scope["unfit"] = {HOSTILE: HOSTILE}
    else:
        given = {"name": HOSTILE} if place == "name" else {"properties": [HOSTILE]}
        found["changes"] = [change("update", **given)]
    said = markdown([scope, found])
    for each in ("<script", "@security", "**b**", "](https", "\x1b", "\n# h", "`x`"):
        assert each not in said


def test_a_long_preview_is_cut_to_what_a_comment_holds():
    found = [
        {
            "stack": f"tenant.t{number}",
            "counts": {"update": 500},
            "changes": [change("update", f"resource-{each}") for each in range(500)],
        }
        for number in range(100)
    ]
    said = markdown([SCOPE, *found])
    assert len(said) < 60_000
    assert "more stacks are in the run's artifacts" in said
    assert "and 460 more" in said
