"""`patchworks cell evacuate`: a table first, then files that differ in the placement alone."""

import difflib
import json

CELL = "prod-eu-west-1"


def test_the_placements_are_written_and_nothing_else_is_touched(patchworks, catalog_copy):
    before = {path: path.read_bytes() for path in catalog_copy.rglob("*.yaml")}
    arguments = ("cell", "evacuate", CELL, "--spread", "--catalog", str(catalog_copy))
    shown = patchworks(*arguments, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "brightwater" in shown.stdout
    asked = patchworks(*arguments)
    assert asked.returncode == 2
    assert "add --yes" in asked.stderr
    assert before == {path: path.read_bytes() for path in catalog_copy.rglob("*.yaml")}

    ran = patchworks(*arguments, "--yes")
    assert ran.returncode == 0, ran.stderr
    assert "patchworks moves enqueue" in ran.stdout
    changed = {}
    for path, old in before.items():
        new = path.read_bytes()
        if new != old:
            lines = difflib.unified_diff(old.decode().split("\n"), new.decode().split("\n"), n=0)
            changed[path.stem] = [line for line in lines if line[:3] not in ("---", "+++", "@@ ")]
    assert {name: [line[0] for line in lines] for name, lines in changed.items()} == {
        "aurelia-health": ["-", "+", "-", "+"],
        "brightwater": ["-", "+"],
        "cobalt-logistics": ["-", "+"],
    }
    assert changed["brightwater"] == [f"-  cell: {CELL}", "+  cell: prod-us-east-1"]
    assert patchworks("check", "--catalog", str(catalog_copy)).returncode == 0

    again = patchworks(*arguments, "--yes")
    assert (again.returncode, again.stdout) == (0, f"{CELL} has no tenants\n")


def test_who_can_not_be_moved_stays_and_is_named_with_the_reason(
    patchworks, catalog_copy, tmp_path
):
    file = catalog_copy / "tenants/cobalt-logistics.yaml"
    file.write_text(file.read_text().replace("tier:", "suspended: unpaid since May\ntier:"))
    stacks = tmp_path / "state/stacks"
    stacks.mkdir(parents=True)
    # One was begun and did not come up; of the other one's file nothing is left.
    for tenant in ("aurelia-health", "given-up"):
        (stacks / f"tenant.{tenant}.jsonl").write_text('{"version": 2}\n')
    arguments = ("cell", "evacuate", CELL, "--spread", "--yes", "--catalog", str(catalog_copy))
    arguments = (*arguments, "--state", str(tmp_path / "state"))
    shown = patchworks(*arguments, "--dry-run", "--json")
    document = json.loads(shown.stdout)
    assert [each["tenant"] for each in document["tenants"]] == ["brightwater"]
    why = {each["tenant"]: each["why"] for each in document["left_out"]}
    assert why["aurelia-health"].startswith("is being created (the tenant's stack has exported")
    assert why["cobalt-logistics"] == "is suspended (unpaid since May)"
    assert why["given-up"].startswith("is being deleted")
    ran = patchworks(*arguments)
    assert ran.returncode == 0, ran.stderr
    assert "cobalt-logistics stays: it is suspended (unpaid since May)\n" in ran.stdout
    assert "wrote 1 files" in ran.stdout
    assert ran.stdout.endswith(f"{CELL} will not be empty: 3 of its 4 tenants stay\n")
    again = patchworks(*arguments)
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith(f"{CELL} will not be empty: 3 of its 3 tenants stay\n")


def test_what_fits_nowhere_is_refused_with_every_reason_and_nothing_is_written(
    patchworks, catalog_copy
):
    before = {path: path.read_bytes() for path in catalog_copy.rglob("*.yaml")}
    arguments = ("cell", "evacuate", CELL, "--to", "prod-us-east-1", "--yes", "--json")
    ran = patchworks(*arguments, "--catalog", str(catalog_copy))
    assert ran.returncode == 3
    document = json.loads(ran.stdout)
    (reason,) = document["reasons"]
    assert reason.startswith("cobalt-logistics (210 connections, 48 CPU) fits nowhere: ")
    assert "nothing was written" in ran.stderr
    assert before == {path: path.read_bytes() for path in catalog_copy.rglob("*.yaml")}


def test_wrong_usage_is_told_apart_from_a_refusal(patchworks):
    for arguments, code, said in (
        ((), 2, "give either --to CELL or --spread"),
        (("--to", "prod-us-east-1", "--spread"), 2, "give either"),
        (("--to", "prod-us-west-1"), 2, "did you mean prod-us-east-1?"),
        (("--to", "dev-eu-west-1"), 3, "it is of dev, and they are of prod"),
    ):
        ran = patchworks("cell", "evacuate", CELL, "--dry-run", *arguments)
        assert ran.returncode == code, ran.stderr
        assert said in ran.stderr
