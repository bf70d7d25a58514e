"""The schema of a plan is fresh, and a plan's JSON keeps to it."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from planning import schemas
from planning.document import Change, Mark, Plan, PropertyChange, Side, StackPlan


def plan() -> Plan:
    change = Change(
        urn="urn:pulumi:cell.a::patchworks::aws:rds/cluster:Cluster::pool-a",
        type="aws:rds/cluster:Cluster",
        name="pool-a",
        action="replace",
        properties=(PropertyChange(path="kmsKeyId", kind="changed", before="a", after="b"),),
        marks=(Mark(kind="loses-data", severity="high", text="pool-a is made anew, empty"),),
    )
    stack = StackPlan(stack="cell.a", status="changed", changes=(change,))
    return Plan(base=Side(name="main"), head=Side(name="work tree"), stacks=(stack,))


def test_the_schema_is_fresh() -> None:
    assert schemas.main(["--check"]) == 0


def test_a_stale_schema_is_found_and_written_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.json"
    assert schemas.main(["--check", "--file", str(file)]) == 1
    assert "make docs" in capsys.readouterr().err
    assert schemas.main(["--file", str(file)]) == 0
    assert schemas.main(["--check", "--file", str(file)]) == 0


def test_a_plan_keeps_to_its_schema() -> None:
    schema = json.loads(schemas.FILE.read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(plan().model_dump_json()))


def test_a_plan_comes_back_from_its_json_as_it_was() -> None:
    assert Plan.model_validate_json(plan().model_dump_json()) == plan()
