"""The JSON Schemas in docs/schemas are those of the models, and editors agree with the check."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from jsonschema import Draft202012Validator

from catalog import schemas
from catalog.load import find_root
from catalog.shape import MEANINGS

ROOT = find_root()
FILES = [
    ("organization", ROOT / "organization.yaml"),
    *(("cell", path) for path in sorted(ROOT.glob("cells/*.yaml"))),
    *(("tenant", path) for path in sorted(ROOT.glob("tenants/*.yaml"))),
]


def test_the_schemas_in_the_repository_are_fresh():
    assert schemas.stale() == []


@pytest.mark.parametrize("kind", schemas.MODELS)
def test_a_schema_is_a_valid_schema(kind):
    Draft202012Validator.check_schema(schemas.schema(kind))


@pytest.mark.parametrize(("kind", "path"), FILES, ids=[path.stem for _, path in FILES])
def test_a_shipped_file_is_valid_by_the_schema_it_names(kind, path):
    named = path.read_text().split("\n")[0].partition("$schema=")[2]
    schema = json.loads((path.parent / named).read_text())
    assert schema == schemas.schema(kind)
    assert list(Draft202012Validator(schema).iter_errors(yaml.safe_load(path.read_text()))) == []


def test_an_unknown_key_is_invalid_by_the_schema():
    value = yaml.safe_load((ROOT / "tenants/brightwater.yaml").read_text()) | {"colour": "red"}
    (error,) = Draft202012Validator(schemas.schema("tenant")).iter_errors(value)
    assert "colour" in error.message


def test_stale_and_missing_schemas_are_named_and_then_written(tmp_path):
    command = [sys.executable, "-m", "catalog.schemas", "--directory", str(tmp_path)]
    (tmp_path / "cell.json").write_text("{}")
    before = subprocess.run([*command, "--check"], cwd=ROOT, capture_output=True, text=True)
    assert before.returncode == 1
    assert before.stderr.count("is stale") == 3
    assert subprocess.run(command, cwd=ROOT).returncode == 0
    after = subprocess.run([*command, "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (after.returncode, after.stderr) == (0, "")


def test_every_pattern_is_explained_in_words():
    found = set()
    for kind in schemas.MODELS:
        text = json.dumps(schemas.schema(kind))
        found |= {json.loads(p) for p in re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', text)}
        found |= {
            json.loads(p) for p in re.findall(r'"patternProperties": \{("(?:[^"\\]|\\.)*")', text)
        }
    assert found - set(MEANINGS) == set()
    assert set(MEANINGS) - found == set()
