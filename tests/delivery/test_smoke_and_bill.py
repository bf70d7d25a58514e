"""Smoke tests look at targets on moto; a bill of materials has all that lock and catalog pin."""

from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from catalog.load import find_root, load
from delivery.bill_of_materials import bill, installed_dependencies
from delivery.engine import Look
from delivery.smoke import target_problem, tell

LOCK = (find_root() / "requirements.lock").read_text()


@pytest.fixture
def balancer():
    """A load balancer with one target group, and a way to register a target in it."""
    with mock_aws():
        settings = {"region_name": "eu-west-1"}
        ec2, elb = boto3.client("ec2", **settings), boto3.client("elbv2", **settings)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)[
                "Subnet"
            ]["SubnetId"]
            for n, zone in enumerate(("eu-west-1a", "eu-west-1b"))
        ]
        made = elb.create_load_balancer(Name="tenant", Subnets=subnets)["LoadBalancers"][0]
        group = elb.create_target_group(
            Name="gateway", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip"
        )["TargetGroups"][0]["TargetGroupArn"]
        elb.create_listener(
            LoadBalancerArn=made["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
        )
        yield (
            elb,
            lambda: elb.register_targets(
                TargetGroupArn=group, Targets=[{"Id": "10.0.0.10", "Port": 8080}]
            ),
        )


def test_a_service_without_a_healthy_replica_does_not_serve(balancer):
    elb, register = balancer
    assert target_problem(elb, "tenant") == "gateway has none that is healthy (no targets)"
    register()
    assert target_problem(elb, "tenant") == ""


def test_a_missing_load_balancer_is_a_problem(balancer):
    elb, _ = balancer
    assert target_problem(elb, "another") == "there is no load balancer another"


def test_what_nothing_here_can_tell_is_neither_a_problem_nor_called_well():
    said = []
    looks = [Look("a"), Look("b", "broken"), Look("c", looked=False)]
    assert tell(iter(looks), said.append) == 1
    assert [line.split()[0] for line in said] == ["serves", "PROBLEM", "not"]


@pytest.fixture(scope="module")
def document():
    return bill(
        name="platform",
        version="1.2.3",
        commit="abc",
        lock=LOCK,
        catalog=load(find_root()),
        dependencies=installed_dependencies(),
        at=datetime(2026, 5, 1, tzinfo=UTC),
    )


def test_every_locked_package_is_in_the_bill_with_its_hashes(document):
    pinned = {line.split("==")[0].split("[")[0] for line in LOCK.splitlines() if "==" in line[:80]}
    pinned = {name for name in pinned if not name.startswith((" ", "#"))}
    listed = {each["name"]: each for each in document["components"] if each["type"] == "library"}
    assert set(listed) == pinned
    assert all(each["hashes"] for each in listed.values())
    assert listed["pulumi"]["purl"].startswith("pkg:pypi/pulumi@3.")


def test_every_image_that_tenants_run_is_in_the_bill_by_its_digest(document):
    digests = {each["version"] for each in document["components"] if each["type"] == "container"}
    wanted = {
        service.image.partition("@")[2]
        for tenant in load(find_root()).tenants.values()
        for service in tenant.services.values()
    }
    assert wanted <= digests


def test_references_are_unique_and_dependencies_name_only_what_is_listed(document):
    references = [each["bom-ref"] for each in document["components"]]
    assert len(set(references)) == len(references)
    known = {*references, document["metadata"]["component"]["bom-ref"]}
    for each in document["dependencies"]:
        assert {each["ref"], *each["dependsOn"]} <= known
    (typer,) = [e for e in document["dependencies"] if e["ref"].startswith("pkg:pypi/typer@")]
    assert any(reference.startswith("pkg:pypi/rich@") for reference in typer["dependsOn"])
