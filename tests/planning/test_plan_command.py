"""`patchworks plan` on commits that are hostile, broken or hardly differ."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from planned_changes import CELLS, Clone, Planned, run, see_that_the_day_lasts

if TYPE_CHECKING:
    from pathlib import Path

TENANTS = ("brightwater", "harbour-foods")
HOSTILE = "`</code><img src=x>` @octocat #1 --> [x](y) **b** | $m$"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone", TENANTS)


def plan_json(planned: Planned) -> dict[str, object]:
    found: dict[str, object] = json.loads((planned.outputs / "plan.json").read_text())
    return found


def names(planned: Planned) -> list[str]:
    return [each["stack"] for each in plan_json(planned)["stacks"]]  # type: ignore[attr-defined]


def test_a_change_of_one_tenant_evaluates_that_one_and_is_known_the_second_time(
    clone: Clone, tmp_path: Path
) -> None:
    clone.edit(
        ("tenants/brightwater.yaml", "Operations centre, Leeds", "Operations centre, York"),
        ("tenants/brightwater.yaml", "Brightwater Utilities\n", f"{json.dumps(HOSTILE)}\n"),
    )
    see_that_the_day_lasts()
    first = run(clone, tmp_path, "--base=HEAD")
    assert names(first) == ["tenant.brightwater"], first.said
    assert plan_json(first)["skipped"] == len(CELLS) + len(TENANTS)
    kept = {file: file.read_bytes() for file in first.cache.rglob("*.json")}
    assert len(kept) == 2, "the stack's plan, and the whole"
    assert first.cache.joinpath("patchworks/plans").stat().st_mode & 0o777 == 0o700
    shown = {file.name: file.read_bytes() for file in first.outputs.iterdir()}

    second = run(clone, tmp_path, "--base=HEAD")
    assert second.code == first.code
    assert {file.name: file.read_bytes() for file in second.outputs.iterdir()} == shown
    assert {file: file.read_bytes() for file in second.cache.rglob("*.json")} == kept

    comment = (first.outputs / "plan.md").read_text(encoding="utf-8")
    assert "octocat" in comment
    for raw in ("<img", "@octocat", "`", "-->", "](", "**b**", "|", "$m", "#1 "):
        assert raw not in comment, raw
    assert comment.count("<details>") == comment.count("</details>")
    assert comment.count("<code>") == comment.count("</code>")


def test_the_deploy_role_is_looked_at_where_a_tenant_alone_changes(
    clone: Clone, tmp_path: Path
) -> None:
    clone.edit(("components/aws/deploy_rights.py", '    "wafv2:*",\n', ""))
    clone.commit("a base whose deploy role may make no firewall")
    clone.edit(("tenants/brightwater.yaml", "Operations centre, Leeds", "Operations centre, York"))
    planned = run(clone, tmp_path, "--base=HEAD")
    assert names(planned) == ["tenant.brightwater"], planned.said
    assert planned.code == 1
    assert planned.line("lacks wafv2:", "halyard-ci-deploy-prod")


def test_a_right_that_a_deploy_role_loses_is_missed_by_stacks_that_stay_as_they_are(
    clone: Clone, tmp_path: Path
) -> None:
    clone.edit(("components/aws/deploy_rights.py", '    "wafv2:*",\n', ""))
    planned = run(clone, tmp_path, "--base=HEAD")
    assert planned.code == 1
    for tenant in TENANTS:
        assert f"tenant.{tenant}" in names(planned)
    assert planned.line("lacks wafv2:", "halyard-ci-deploy-prod")
    assert plan_json(planned)["skipped"] == 0


def test_a_program_that_reads_the_catalogs_files_itself_fails_and_sees_no_other_side(
    clone: Clone, tmp_path: Path
) -> None:
    read = 'open(__file__.rpartition("/stacks/")[0] + "/tenants/brightwater.yaml").read()'
    clone.edit(("stacks/tenant.py", "PASSWORD_LENGTH = 40", f"PASSWORD_LENGTH = {read} and 40"))
    clone.commit("a base whose programs read files")
    clone.edit(("tenants/brightwater.yaml", "Operations centre, Leeds", "Operations centre, York"))
    planned = run(clone, tmp_path, "--base=HEAD")
    assert planned.code == 1
    assert planned.line("FileNotFoundError", "tenants/brightwater.yaml")


def test_a_cache_that_others_can_write_to_is_left_alone(clone: Clone, tmp_path: Path) -> None:
    clone.edit(("tenants/brightwater.yaml", "Operations centre, Leeds", "Operations centre, York"))
    shared = tmp_path / "cache/patchworks/plans"
    shared.mkdir(parents=True)
    shared.chmod(0o777)
    assert names(run(clone, tmp_path, "--base=HEAD")) == ["tenant.brightwater"]
    assert not list(shared.rglob("*"))


def test_a_catalog_that_would_run_code_is_a_fault_and_runs_none(
    clone: Clone, tmp_path: Path
) -> None:
    made = tmp_path / "made-by-hostile-code"
    file = clone.directory / "tenants/brightwater.yaml"
    file.write_text(
        file.read_text().replace(
            "display_name: Brightwater Utilities",
            f"display_name: !!python/object/apply:os.system ['touch {made}']",
        )
    )
    planned = run(clone, tmp_path, "--base=HEAD")
    assert planned.code == 1
    assert not made.exists()
    text = planned.markdown
    assert "The head could not be evaluated (work tree)" in text
    assert "tenants/brightwater.yaml:3" in text


def test_programs_can_read_and_reach_nothing_outside_their_commit(
    clone: Clone, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("what nobody may read")
    clone.edit(
        (
            "stacks/tenant.py",
            "PASSWORD_LENGTH = 40\n",
            "PASSWORD_LENGTH = 40\n"
            "import os, socket, json\n"
            "def tried(act):\n"
            "    try:\n"
            "        return str(act())\n"
            "    except OSError as error:\n"
            "        return f'refused {error.errno}'\n"
            "TRIED = [\n"
            f"    tried(lambda: open({str(outside)!r}).read()),\n"
            f"    tried(lambda: open({str(outside)!r}, 'w').write('x')),\n"
            "    tried(socket.socket),\n"
            "    str(sorted(name for name in os.environ if 'CREDENTIAL' in name))\n"
            "]\n",
        ),
        (
            "stacks/tenant.py",
            '"zone_id": self.zone_id,',
            '"zone_id": self.zone_id, "tried": TRIED,',
        ),
    )
    planned = run(clone, tmp_path, "--base=HEAD")
    stacks = plan_json(planned)["stacks"]
    tried = {
        json.dumps(export["after"])
        for stack in stacks  # type: ignore[attr-defined]
        for export in stack["exports"]
        if export["path"] == "tried"
    }
    assert tried == {'["refused 13", "refused 13", "refused 1", "[]"]'}, planned.said
    assert outside.read_text() == "what nobody may read"


def test_a_head_whose_programs_fail_is_reported_with_the_error_and_its_line(
    clone: Clone, tmp_path: Path
) -> None:
    clone.edit(
        (
            "stacks/tenant.py",
            "        self._route(slices",
            "        1 / 0\n        self._route(slices",
        )
    )
    planned = run(clone, tmp_path, "--base=HEAD")
    assert planned.code == 1
    assert "could not be evaluated" in planned.markdown
    assert "tenant.brightwater: " in planned.markdown
    assert "ZeroDivisionError" in planned.markdown
    # Where the plan goes to files, a terminal still says what is wrong.
    assert "ZeroDivisionError" in planned.said
    assert "stacks/tenant.py:" in planned.markdown
    assert list(planned.cache.rglob("*.json")) == []


def test_a_cell_that_is_removed_while_tenants_leave_it_is_named_with_all_of_them(
    tmp_path: Path,
) -> None:
    leaving = ("goldfields-mining", "harbour-foods")
    clone = Clone(tmp_path / "clone", leaving)
    clone.remove("cells/prod-ap-southeast-2.yaml")
    for tenant in leaving:
        clone.edit((f"tenants/{tenant}.yaml", "prod-ap-southeast-2", "prod-eu-west-1"))
    planned = run(clone, tmp_path, "--base=HEAD")
    assert planned.code == 1
    assert "cells/prod-ap-southeast-2.yaml:1" in planned.markdown
    assert "serves or keeps goldfields-mining, harbour-foods" in planned.markdown
    assert "put the cell's file back" in planned.markdown
    assert "KeyError" not in planned.markdown


def test_a_base_that_does_not_evaluate_is_reported_as_such(clone: Clone, tmp_path: Path) -> None:
    program = clone.directory / "stacks/cell.py"
    good = program.read_text()
    program.write_text("def deploy(:\n")
    clone.commit("broken")
    program.write_text(good)
    clone.commit("mended")
    planned = run(clone, tmp_path, "--base=HEAD~1", "--head=HEAD")
    assert planned.code == 1
    assert "The base could not be evaluated (HEAD~1" in planned.markdown
    assert "could not be evaluated" in planned.markdown
    assert "stacks/cell.py:1" in planned.markdown


def test_a_commit_without_programs_is_said_to_have_none(clone: Clone, tmp_path: Path) -> None:
    clone.remove("stacks/programs.py")
    planned = run(clone, tmp_path, "--base=HEAD")
    assert planned.code == 1
    assert "stacks/programs.py missing" in planned.markdown


def test_the_same_commit_twice_is_no_change_and_no_fault(clone: Clone, tmp_path: Path) -> None:
    planned = run(clone, tmp_path, "--base=main", "--head=main")
    assert (planned.code, names(planned)) == (0, []), planned.said
    assert "No resource changes" in planned.markdown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--base=nowhere"], "there is no commit 'nowhere'"),
        (["--base=--help"], "there is no commit '--help'"),
        (["--output=plan.pdf"], "does not say its format"),
        (["--format=pdf"], "pdf"),
        (["--jobs=0"], "jobs"),
    ],
)
def test_wrong_usage_is_said_and_ends_with_2(
    clone: Clone, tmp_path: Path, options: list[str], said: str
) -> None:
    planned = run(clone, tmp_path, *options)
    assert planned.code == 2, planned.said
    assert said in " ".join(planned.said.split())


def test_what_was_merged_into_the_base_since_is_no_part_of_the_change(
    clone: Clone, tmp_path: Path
) -> None:
    subprocess.run(["git", "switch", "-qc", "change"], cwd=clone.directory, check=True)
    (clone.directory / "README.md").write_text("a change that touches no stack\n")
    clone.commit("change")
    subprocess.run(["git", "switch", "-q", "main"], cwd=clone.directory, check=True)
    clone.edit(("tenants/brightwater.yaml", "192.0.2.128/28", "192.0.2.0/24"))
    clone.commit("elsewhere")
    planned = run(clone, tmp_path, "--base=main", "--head=change")
    assert (planned.code, names(planned)) == (0, []), planned.said


def parted(clone: Clone) -> None:
    """Have `change` and `main` go on apart, so that neither has all of the other."""
    git = ("git", "-C", str(clone.directory), "switch", "-q")
    subprocess.run([*git, "-c", "change"], check=True)
    clone.edit(("tenants/brightwater.yaml", "Operations centre, Leeds", "Operations centre, York"))
    clone.commit("change")
    subprocess.run([*git, "main"], check=True)
    clone.edit(("tenants/harbour-foods.yaml", "database: pool-b", "database: pool-a"))
    clone.commit("elsewhere")


def test_a_clone_that_is_too_shallow_to_tell_what_the_change_is_is_refused(
    clone: Clone, tmp_path: Path
) -> None:
    parted(clone)
    shallow = tmp_path / "shallow"
    url = f"file://{clone.directory}"
    command = ["git", "clone", "-q", "--depth=1", "--no-single-branch", "--branch=change", url]
    subprocess.run([*command, str(shallow)], check=True)
    clone.directory = shallow
    planned = run(clone, tmp_path, "--base=origin/main", "--head=HEAD")
    assert planned.code == 2, planned.said
    assert "git fetch --unshallow" in " ".join(planned.said.split())


def test_a_merge_commit_brings_what_the_other_branch_changed(clone: Clone, tmp_path: Path) -> None:
    parted(clone)
    merge = ("git", "-C", str(clone.directory), "-c", "user.name=A", "-c", "user.email=a@b.c")
    subprocess.run([*merge, "merge", "-q", "--no-edit", "--no-gpg-sign", "change"], check=True)
    planned = run(clone, tmp_path, "--base=main~1", "--head=main")
    assert names(planned) == ["tenant.brightwater"], planned.said
    planned = run(clone, tmp_path, "--base=change", "--head=main")
    assert names(planned) == ["tenant.harbour-foods"], planned.said
