"""A stack's digest follows its tenant's entry in the ledger, whichever side of a plan asks."""

import pytest

from catalog import tenant
from catalog.load import find_root, load
from planning.commits import Repository
from planning.sides import Keys, Side
from planning.stack_digests import StackDigests

ROOT = find_root()
CODE = dict.fromkeys(("organization", "cell", "tenant"), "code")
TENANT = "brightwater"


@pytest.fixture(scope="module")
def catalog():
    return load(ROOT)


@pytest.fixture(scope="module")
def moving(catalog):
    """Entries as JSON has them: one tenant serves where it is declared, and keeps another side."""
    declared = catalog.tenants[TENANT].placement
    other = next(
        name
        for name, cell in catalog.cells.items()
        if cell.environment == catalog.cells[declared.cell].environment and name != declared.cell
    )
    kept = {"cell": other, "database": next(iter(catalog.cells[other].databases))}
    return other, {TENANT: {**declared.model_dump(mode="json"), "keeps": kept}}


def test_a_side_that_is_kept_changes_its_tenant_alone(catalog, moving):
    other, entries = moving
    before, after = StackDigests(catalog, {}, CODE), StackDigests(catalog, entries, CODE)
    stacks = ("organization", f"cell.{other}", f"tenant.{TENANT}", "tenant.fernhill")
    changed = [stack for stack in stacks if before.of(stack) != after.of(stack)]
    assert changed == [f"tenant.{TENANT}"]
    assert set(after.references(f"tenant.{TENANT}")) - set(
        before.references(f"tenant.{TENANT}")
    ) == {f"cell.{other}"}


def test_an_older_commit_that_knows_no_kept_side_is_asked_without_it(catalog, moving, monkeypatch):
    _, entries = moving
    monkeypatch.delattr(tenant, "Served")
    assert not hasattr(StackDigests(catalog, entries, CODE).ledger[TENANT], "keeps")


def test_a_plans_confined_process_takes_an_entry_with_a_kept_side(moving):
    other, entries = moving
    files = Repository.around(ROOT).work_tree()
    with Side(files, Keys(), timeout=300) as side:
        side.load()
        found = side.digests(entries, "")
    assert f"cell.{other}" in found[f"tenant.{TENANT}"].references
