"""Who owns which file: read as GitHub reads it, the last pattern that matches."""

import fnmatch
from pathlib import Path

import pytest

from catalog.load import find_root, load
from scripts import code_owners

ROOT = Path(find_root())


@pytest.fixture(scope="module")
def catalog():
    return load(ROOT)


def owners(text: str, path: str) -> list[str]:
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        pattern, *names = line.split()
        below = pattern.endswith("/") and f"/{path}".startswith(pattern)
        if pattern == "*" or below or fnmatch.fnmatchcase(f"/{path}", pattern):
            found = names
    return [name.rpartition("/")[2] for name in found]


def test_a_tenants_file_needs_its_owner(catalog):
    text = code_owners.text(catalog)
    for name, tenant in catalog.tenants.items():
        assert owners(text, f"tenants/{name}.yaml") == [tenant.owner]


@pytest.mark.parametrize(
    "path",
    [
        "organization.yaml",
        ".github/workflows/deliver.yml",
        ".github/CODEOWNERS",
        "components/aws/boundaries.py",
        "components/aws/deploy_rights.py",
        "components/github/review_rules.py",
        "stacks/organization_reviews.py",
        "requirements.lock",
        "google-saml-metadata.xml",
    ],
)
def test_what_guards_the_rest_needs_the_security_group(catalog, path):
    assert owners(code_owners.text(catalog), path) == ["security"]


def test_everything_else_needs_an_operator(catalog):
    text = code_owners.text(catalog)
    assert owners(text, "components/aws/network.py") == ["platform"]
    assert owners(text, "cells/prod-eu-west-1.yaml") == ["platform"]
    assert owners(text, "tenants/not-there-yet.yaml") == ["platform"]


@pytest.mark.parametrize("pattern", code_owners.GUARDS)
def test_each_guard_is_a_file_or_directory_that_is_there_or_reserved(pattern):
    reserved = {"/policies/", "/qa/"}
    assert pattern in reserved or any(ROOT.glob(pattern.strip("/")))


def test_the_written_file_is_that_of_the_catalog():
    assert code_owners.main(["--check"]) == 0


def test_a_stale_file_is_named_and_a_fresh_one_written(tmp_path, capsys):
    file = tmp_path / ".github" / "CODEOWNERS"
    assert code_owners.main(["--check", "--file", str(file)]) == 1
    assert "CODEOWNERS is stale" in capsys.readouterr().err
    assert code_owners.main(["--file", str(file)]) == 0
    assert code_owners.main(["--check", "--file", str(file)]) == 0
