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
    side = LostSide.of(CATALOG, keeps, FAR, whole_cell=whole_cell)
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
    kept, gone = cut(before, LostSide.of(CATALOG, HERE, NEAR, whole_cell=False))
    names = {each["urn"].rpartition("::")[2] for each in gone}
    assert f"{TENANT}-{HERE.cell}-pool-a-database" in names
    assert not [name for name in names if "pool-b" in name]
    # Bucket, key and secret are of the side that serves as well, and held fast as before.
    fast = [{each["urn"] for each in side if each.get("protect")} for side in (before, kept)]
    assert fast[0] == fast[1]
    assert any("bucket" in urn for urn in fast[1])
    told = listed((each["urn"], each["id"]) for each in gone)
    assert any(line.startswith("postgresql:index/database:Database ") for line in told)
    assert not any("providers" in line for line in told)


STAND_IN = """#!{python} -I
import json, pathlib, sys

home = pathlib.Path({home!r})
given = [word for word in sys.argv[1:] if word != "--non-interactive"]
with (home / "calls").open("a") as file:
    file.write(" ".join(given) + "\\n")
if given[:1] == ["version"]:
    print("v3.272.0")
if given[:2] == ["stack", "export"]:
    print((home / "state.json").read_text())
    # What another update does right after that.
    for then in sorted(home.glob("then-*"))[:1]:
        then.rename(home / "state.json")
if given[:2] == ["stack", "import"]:
    file = pathlib.Path(given[given.index("--file") + 1])
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    state = json.loads(file.read_text())
    state["deployment"].pop("pending_operations", None)
    (home / "state.json").write_text(json.dumps(state))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in for the CLI keeps the state that it exports and imports."""
    program = tmp_path / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, home=str(tmp_path)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def state_of(resources: list[dict[str, Any]], *pending: dict[str, Any]) -> str:
    operations = [{"resource": each, "type": "creating"} for each in pending]
    return json.dumps(
        {"version": 3, "deployment": {"resources": resources, "pending_operations": operations}}
    )


def rewritten() -> None:
    side = LostSide.of(CATALOG, HERE, FAR, whole_cell=True)
    pulumi_cli.rewrite(find_root(), STACK, lambda found: cut(found, side)[0])


def made_on(cell: str) -> dict[str, Any]:
    """A resource that an update had begun to make."""
    (some, *_) = [each for each in exported(FAR, HERE) if f"::{cell}::" in each["provider"]]
    return some | {"urn": f"{some['urn']}-new", "id": ""}


def test_recorded_a_state_that_an_update_changes_meanwhile_is_read_again_and_keeps_the_change(
    home: Path,
) -> None:
    before = exported(FAR, HERE)
    (home / "state.json").write_text(state_of(before))
    (home / "then-1").write_text(state_of([*before, made_on(FAR.cell)]))
    rewritten()
    written = json.loads((home / "state.json").read_text())["deployment"]["resources"]
    assert written[-1]["urn"] == made_on(FAR.cell)["urn"]
    assert len(written) < len(before)


def test_recorded_what_an_update_had_begun_is_not_forgotten_where_it_stays(home: Path) -> None:
    before = state_of(exported(FAR, HERE), made_on(FAR.cell))
    (home / "state.json").write_text(before)
    with pytest.raises(pulumi_cli.CliError, match="was cut off while it worked on") as refused:
        rewritten()
    assert made_on(FAR.cell)["urn"] in str(refused.value)
    assert (home / "state.json").read_text() == before


def test_recorded_what_an_update_had_begun_on_the_lost_side_is_listed_and_let_go_of(
    home: Path,
) -> None:
    begun = made_on(HERE.cell)
    (home / "state.json").write_text(state_of(exported(FAR, HERE), begun))
    side = LostSide.of(CATALOG, HERE, FAR, whole_cell=True)
    found = cut(pulumi_cli.resources(find_root(), STACK), side)[1]
    assert begun["urn"] in {each["urn"] for each in found}
    rewritten()
    assert begun["urn"] not in (home / "state.json").read_text()


def test_recorded_a_state_is_written_back_with_its_secrets_encrypted_and_leaves_no_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    side = LostSide.of(CATALOG, HERE, FAR, whole_cell=True)
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
