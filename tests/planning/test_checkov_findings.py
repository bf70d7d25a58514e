"""What real checkov finds in exported graphs: bad resources, and none of the shipped ones."""

import copy
import json
import stat
from dataclasses import replace

import pytest

from catalog.load import find_root, load
from catalog.tenant import Placement, Served
from planning import checkov, checkov_environment, checks
from planning.export.terraform import terraform_plan
from rehearsal.evaluation import Evaluation
from rehearsal.values import Secret
from stacks.programs import stack_names

CELL, TENANT = "cell.prod-eu-west-1", "tenant.brightwater"
ONE, OTHER = "prod-eu-west-1", "prod-us-east-1"
SPANS = (f"{ONE}/pool-a", f"{OTHER}/pool-b")
DATABASE = "aws:rds/cluster:Cluster"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
SECRET = 'p\'w "x" %41@:/$;ü'

BAD = [
    # check, stack, type, dotted path, bad value
    ("CKV_AWS_96", CELL, DATABASE, "storageEncrypted", False),
    ("CKV_AWS_162", CELL, DATABASE, "iamDatabaseAuthenticationEnabled", False),
    ("CKV_AWS_139", CELL, DATABASE, "deletionProtection", False),
    ("CKV_AWS_313", CELL, DATABASE, "copyTagsToSnapshot", False),
    ("CKV_AWS_17", CELL, INSTANCE, "publiclyAccessible", True),
    ("CKV_AWS_39", CELL, "aws:eks/cluster:Cluster", "vpcConfig.endpointPublicAccess", True),
    ("CKV_AWS_58", CELL, "aws:eks/cluster:Cluster", "encryptionConfig", None),
    ("CKV_AWS_37", CELL, "aws:eks/cluster:Cluster", "enabledClusterLogTypes", ["api"]),
    (
        "CKV_AWS_341",
        CELL,
        "aws:ec2/launchTemplate:LaunchTemplate",
        "metadataOptions.httpPutResponseHopLimit",
        3,
    ),
    ("CKV_AWS_91", TENANT, "aws:lb/loadBalancer:LoadBalancer", "accessLogs.enabled", False),
    ("CKV_AWS_131", TENANT, "aws:lb/loadBalancer:LoadBalancer", "dropInvalidHeaderFields", False),
    ("CKV_AWS_7", TENANT, "aws:kms/key:Key", "enableKeyRotation", False),
    (
        "CKV_AWS_53",
        TENANT,
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "blockPublicAcls",
        False,
    ),
    (
        "CKV_K8S_16",
        TENANT,
        DEPLOYMENT,
        "spec.template.spec.containers.0.securityContext.privileged",
        True,
    ),
    ("CKV_K8S_19", TENANT, DEPLOYMENT, "spec.template.spec.hostNetwork", True),
]


def with_value(inputs, path, value):
    changed = copy.deepcopy(inputs)
    *way, last = path.split(".")
    place = changed
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return changed


@pytest.fixture(scope="module")
def shipped():
    """Every stack of the shipped catalog, and a tenant's between two cells."""
    catalog = load(find_root())
    evaluation = Evaluation(catalog)
    found = {stack: evaluation.evaluate(stack) for stack in stack_names(catalog)}
    away = {"brightwater": Placement(cell="prod-us-east-1", database="pool-a")}
    joined = {"brightwater": Served(cell=ONE, database="pool-a", spans=SPANS)}
    return found | {
        "moving": Evaluation(catalog, away).evaluate(TENANT),
        "joined": Evaluation(catalog, joined).evaluate(f"peering.{ONE}.{OTHER}"),
    }


@pytest.fixture(scope="module")
def graphs(shipped):
    return {stack: shipped[stack] for stack in (CELL, TENANT)}


@pytest.fixture(scope="module")
def said(shipped):
    """What checkov says of each of them, skipped or not, with the stack's graph."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkov, "skips", tuple)
        checkov.findings(list(shipped.values()))
        return [(each, graph) for graph in shipped.values() for each in checkov.findings([graph])]


def spoiled(graphs):
    """Both graphs with every bad value in them, and the resources that have them."""
    spoiled, where = dict(graphs), {}
    for check, stack, type, path, value in BAD:
        graph = spoiled[stack]
        resource = graph.of_type(type)[0]
        bad = replace(resource, inputs=with_value(resource.inputs, path, value))
        spoiled[stack] = replace(graph, resources={**graph.resources, resource.urn: bad})
        where[check] = (stack, resource)
    return list(spoiled.values()), where


@pytest.fixture(scope="module")
def found(graphs):
    """What checkov says of the spoiled graphs, asked of both together."""
    bad, where = spoiled(graphs)
    return checkov.findings(bad), where


def test_the_shipped_catalog_is_clean_but_for_what_is_skipped_with_a_reason(shipped, said):
    assert len(said) > 100
    left = checkov.findings(list(shipped.values()))
    assert [f"{each.stack}: {each.rule} {each.message}" for each in left] == []


def test_every_skip_covers_something_and_says_why(said):
    for skip in checkov.skips():
        assert any(skip.covers(*each) for each in said), skip
        assert len(skip.reason) > 30, skip
        assert skip.reason.endswith("."), skip


def test_a_stack_hides_nothing_of_another_that_names_its_objects_alike(shipped, said):
    floors = {each.stack for each, _ in said if each.rule == "CKV2_K8S_6"}
    assert floors == {stack for stack in shipped if stack.startswith("cell.prod-")}


@pytest.mark.parametrize("check", [case[0] for case in BAD])
def test_a_bad_resource_is_found_and_led_back_to_its_place(found, check):
    bad, where = found
    stack, resource = where[check]
    mine = [each for each in bad if each.rule == check]
    assert [(each.stack, each.urn) for each in mine] == [(stack, resource.urn)]
    assert mine[0].source == resource.source
    assert mine[0].source is not None


def test_a_second_time_it_is_not_even_started(found, graphs, monkeypatch):
    def refuse():
        raise AssertionError("it was started")

    monkeypatch.setattr(checkov_environment, "executable", refuse)
    assert checkov.findings(list(graphs.values())) == []


def test_a_plan_asks_it_of_many_stacks_at_once(found, graphs):
    bad, _ = found
    told = checks.findings_of_many(spoiled(graphs)[0])
    assert {each.key for each in bad} <= {each.key for each in told}


def test_the_environment_is_not_half_made_where_it_cannot_be_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lock = tmp_path / "wrong.lock"
    lock.write_text("checkov==3.0.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(checkov_environment, "LOCK", lock)
    with pytest.raises(checkov_environment.CheckovError, match="can't be installed"):
        checkov_environment.executable()
    assert list(checkov_environment.cache().glob("environment-*")) == []


def test_a_program_that_gives_no_report_is_reported(tmp_path, graphs, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    program = tmp_path / "checkov"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(checkov_environment, "executable", lambda: program)
    with pytest.raises(checkov_environment.CheckovError, match="gave no report, and said: broken"):
        checkov.findings([graphs[TENANT]])


def test_no_secret_is_exported(graphs):
    graph = graphs[TENANT]
    resource = graph.of_type(DEPLOYMENT)[0]
    key = graph.of_type("aws:kms/key:Key")[0]
    hostile = {
        resource.urn: replace(resource, inputs={**resource.inputs, "spec": Secret(SECRET)}),
        key.urn: replace(key, inputs={**key.inputs, "description": Secret({"deep": [SECRET]})}),
    }
    exported = checkov.exported(replace(graph, resources={**graph.resources, **hostile}))
    text = json.dumps(exported.files, ensure_ascii=False)
    assert "p'w" not in text
    assert "(sensitive)" in text


def test_tags_keep_their_names_and_single_blocks_are_lists(graphs):
    plan = terraform_plan(graphs[CELL]).document["planned_values"]["root_module"]["resources"]
    by_type = {each["type"]: each["values"] for each in plan}
    assert by_type["aws_eks_cluster"]["vpc_config"][0]["endpoint_private_access"] is True
    assert "Name" in by_type["aws_subnet"]["tags"]
    assert by_type["aws_rds_cluster_parameter_group"]["parameter"][0]["name"]
