"""What a state lets go of where a side is gone for good: all of that side, and nothing else."""

from __future__ import annotations

import json
import os
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest

from catalog.load import find_root, load
from catalog.tenant import Placement, Served
from rehearsal.evaluation import evaluate
from stacks import pulumi_cli
from stacks.lost_side import LostSide, cut, listed

if TYPE_CHECKING:
    from pathlib import Path

TENANT = "brightwater"
STACK = f"tenant.{TENANT}"
HERE = Placement(cell="prod-eu-west-1", database="pool-a")
NEAR = Placement(cell="prod-eu-west-1", database="pool-b")
FAR = Placement(cell="prod-us-east-1", database="pool-b")
CATALOG = load(find_root())


def exported(serving: Placement, keeps: Placement) -> list[dict[str, Any]]:
    """The tenant's state, in the form of `pulumi stack export`."""
    served = Served(cell=serving.cell, database=serving.database, keeps=keeps)
    graph = evaluate(CATALOG, STACK, {TENANT: served})
    return [
        {
            "urn": each.urn,
            "custom": bool(each.provider) or ":providers:" in each.urn,
            "id": each.name,
            "parent": each.parent,
            "provider": f"{each.provider}::an-id" if each.provider else "",
            "dependencies": list(each.dependencies),
            "propertyDependencies": {"some": list(each.dependencies)},
            "protect": each.protect,
        }
        for each in graph.resources.values()
    ]


def refers_to(resource: dict[str, Any]) -> set[str]:
    provider = resource["provider"].rpartition("::")[0]
    lists = (resource["dependencies"], *resource["propertyDependencies"].values())
    found = {resource["parent"], provider, *(urn for each in lists for urn in each)}
    return found - {None, ""}


@pytest.mark.parametrize("whole_cell", [True, False])
@pytest.mark.parametrize("keeps", [HERE, NEAR])
def test_a_state_lets_go_of_a_side_and_what_stays_refers_to_nothing_that_went(
    keeps: Placement, whole_cell: bool
) -> None:
    before = exported(FAR, keeps)
    side = LostSide.of(CATALOG, keeps, whole_cell=whole_cell)
    kept, gone = cut(before, side)
    assert len(kept) + len(gone) == len(before)
    went = {each["urn"] for each in gone}
    assert not [each["urn"] for each in kept if refers_to(each) & went]
    of_cell = {
        each["urn"]
        for each in before
        if each["custom"] and f"::{keeps.cell}" in (each["provider"] or each["urn"])
    }
    name = f"::{keeps.cell}-{keeps.database}"
    databases = {
        each["urn"]
        for each in before
        if each["custom"] and name in f"{each['provider'] or each['urn']}::"
    }
    assert databases
    assert went == (of_cell if whole_cell else databases)
    # What serves is held fast as before.
    serving = [each for each in kept if f"::{FAR.cell}" in each["provider"]]
    assert any(each.get("protect") for each in serving)
    assert cut(kept, side) == (kept, [])


def test_of_two_databases_in_one_cell_only_the_one_that_is_gone_is_let_go_of() -> None:
    before = exported(NEAR, HERE)
    _, gone = cut(before, LostSide.of(CATALOG, HERE, whole_cell=False))
    names = {each["urn"].rpartition("::")[2] for each in gone}
    assert f"{TENANT}-{HERE.cell}-pool-a-database" in names
    assert not [name for name in names if "pool-b" in name]
    told = listed((each["urn"], each["id"]) for each in gone)
    assert any(line.startswith("postgresql:index/database:Database ") for line in told)
    assert not any("providers" in line for line in told)


STAND_IN = """#!{python} -I
import json, os, pathlib, shutil, sys

home = pathlib.Path({home!r})
given = [word for word in sys.argv[1:] if word != "--non-interactive"]
with (home / "calls").open("a") as file:
    file.write(" ".join(given) + "\\n")
if given[:1] == ["version"]:
    print("v3.272.0")
if given[:2] == ["stack", "export"]:
    print((home / "state.json").read_text())
if given[:2] == ["stack", "import"]:
    file = pathlib.Path(given[given.index("--file") + 1])
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    shutil.copy(file, home / "state.json")
"""


def test_recorded_a_state_is_written_back_with_its_secrets_encrypted_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, home=str(tmp_path)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spare))
    state = {
        "version": 3,
        "deployment": {
            "manifest": {"magic": "m"},
            "secrets_providers": {"type": "cloud"},
            "resources": exported(FAR, HERE),
        },
    }
    (tmp_path / "state.json").write_text(json.dumps(state))
    side = LostSide.of(CATALOG, HERE, whole_cell=True)
    for _ in range(2):
        pulumi_cli.rewrite(find_root(), STACK, lambda found: cut(found, side)[0])
    written = json.loads((tmp_path / "state.json").read_text())
    assert written["deployment"].pop("resources") == cut(exported(FAR, HERE), side)[0]
    del state["deployment"]["resources"]
    assert written == state
    calls = (tmp_path / "calls").read_text().splitlines()
    assert not any("--show-secrets" in call for call in calls)
    # The second time there was nothing to change.
    assert len([call for call in calls if call.startswith("stack import")]) == 1
    assert list(spare.iterdir()) == []
