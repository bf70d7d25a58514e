"""A plan as SARIF, against the standard's own JSON schema, which a Go module brings along."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import plan_sample
import pytest

from catalog.load import find_root
from planning.document import Plan, Side
from planning.outputs import renderer

MODULE = "github.com/owenrumney/go-sarif/v3"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema of SARIF 2.1.0, errata 01, out of the module's source."""
    program = Path(find_root()) / ".ci" / "go-module"
    directory = subprocess.run([program, MODULE], capture_output=True, text=True, check=True).stdout
    source = Path(directory.strip()) / "pkg" / "report" / "v210" / "sarif" / "schema.go"
    found = re.search(r"const schema = `(.*)`", source.read_text(), re.DOTALL)
    assert found is not None
    made: dict[str, Any] = json.loads(found[1])
    assert made["id"].endswith("/errata01/os/schemas/sarif-schema-2.1.0.json")
    return made


@pytest.mark.parametrize(
    "plan",
    [plan_sample.plan(), Plan(base=Side(name="a"), head=Side(name="b"))],
    ids=["with something of everything", "empty"],
)
def test_a_plan_keeps_to_the_standards_schema(schema: dict[str, Any], plan: Plan) -> None:
    jsonschema.Draft4Validator(schema).validate(json.loads(renderer("sarif")(plan)))


def test_the_schema_would_find_a_misspelled_field(schema: dict[str, Any]) -> None:
    wrong = json.loads(renderer("sarif")(plan_sample.plan()))
    result = wrong["runs"][0]["results"][0]
    result["leval"] = result.pop("level")
    with pytest.raises(jsonschema.ValidationError, match="leval"):
        jsonschema.Draft4Validator(schema).validate(wrong)
