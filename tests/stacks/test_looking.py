"""A process that only looks takes its catalog from beside, and no role that writes."""

import ast
import json
from pathlib import Path

import pulumi
import pytest

from catalog.load import find_root, load
from components.aws.shared_role import shared_role_arn
from rehearsal.evaluation import evaluate_program
from stacks.looking import LOOKS_AT, looked_at, only_look
from stacks.providers import aws_provider

ROOT = find_root()


@pytest.fixture(scope="module")
def organization():
    return load(ROOT).organization


def roles_of(graph, name):
    (provider,) = [each for each in graph.of_type("pulumi:providers:aws") if each.name == name]
    given = provider.inputs.get("assumeRoles")
    return json.loads(given) if isinstance(given, str) else given


@pytest.mark.parametrize("looks", [False, True])
def test_the_zone_is_reached_by_the_role_that_reads_where_nothing_may_be_written(
    organization, looks
):
    def program():
        if looks:
            only_look(organization)
        for name, role in (("dns", shared_role_arn(organization, "dns")), ("cell", None)):
            aws_provider(name, account="123456789012", region="eu-west-1", tags={}, role_arn=role)
        return {}

    graph = evaluate_program(program)
    (taken,) = roles_of(graph, "dns")
    wanted = shared_role_arn(organization, "dns-look" if looks else "dns")
    assert (taken["roleArn"], taken["sessionName"]) == (wanted, "patchworks")
    assert not roles_of(graph, "cell")


def test_an_update_refuses_a_catalog_from_beside(monkeypatch, tmp_path):
    assert looked_at() is None
    monkeypatch.setenv(LOOKS_AT, str(tmp_path))
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    assert looked_at() == tmp_path
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    with pytest.raises(RuntimeError, match="is for previews"):
        looked_at()


OUTSIDE = {"open", "read_text", "read_bytes", "urlopen", "urlretrieve", "Popen", "run", "system"}
"""How Python reads a file, asks a host or starts a program."""


def test_no_value_of_the_catalog_can_lead_a_program_to_a_file_or_a_host():
    """What a program opens or asks is written here; a preview runs it over unreviewed values."""
    found = set()
    for file in (*Path(ROOT, "components").rglob("*.py"), *Path(ROOT, "stacks").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in OUTSIDE:
                    found.add((str(file.relative_to(ROOT)), name))
                case ast.Import(names=[ast.alias(name="socket" | "requests" | "subprocess")]):
                    found.add((str(file.relative_to(ROOT)), "import"))
                case ast.keyword(arg="endpoints"):
                    found.add((str(file.relative_to(ROOT)), "endpoints"))
                case _:
                    pass
    # Pulumi's own CLI, by whoever brings a stack up; no program reaches it.
    assert found == {("stacks/pulumi_cli.py", "run")}
