"""`patchworks export` as a person runs it."""

import json

import yaml

STACK = "tenant.brightwater"


def test_a_terraform_plan_goes_to_standard_output(patchworks):
    done = patchworks("export", "terraform-plan", STACK)
    assert done.returncode == 0
    plan = json.loads(done.stdout)
    types = {each["type"] for each in plan["planned_values"]["root_module"]["resources"]}
    assert {"aws_lb", "aws_s3_bucket", "aws_wafv2_web_acl"} <= types


def test_manifests_go_to_a_directory_a_stack(patchworks, tmp_path):
    done = patchworks("export", "manifests", STACK, "--output", str(tmp_path))
    assert done.returncode == 0
    objects = list(yaml.safe_load_all((tmp_path / STACK / "manifests.yaml").read_text()))
    assert {"Deployment", "NetworkPolicy"} <= {each["kind"] for each in objects}


def test_a_stack_that_is_not_there_is_refused_with_the_nearest_name(patchworks):
    done = patchworks("export", "manifests", "tenant.brightwate")
    assert done.returncode == 2
    assert "did you mean tenant.brightwater?" in done.stderr


def test_several_stacks_need_a_directory(patchworks):
    done = patchworks("export", "terraform-plan", STACK, "organization")
    assert done.returncode == 2
    assert "--output" in done.stderr
