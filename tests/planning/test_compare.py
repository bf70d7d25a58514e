"""What becomes of each resource: actions, replacements, what follows from them, and refusals."""

from __future__ import annotations

from typing import Any

from encoded import graph, resource, urn

from planning.compare import Comparison, compare
from rehearsal.values import Secret

CLUSTER = "aws:rds/cluster:Cluster"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROUTES = "aws:ec2/routeTableAssociation:RouteTableAssociation"
BUCKET = "aws:s3/bucket:Bucket"
SECRET = "kubernetes:core/v1:Secret"


def actions(found: Comparison) -> dict[str, str]:
    return {each.resource.name: each.change().action for each in found.compared}


def only(found: Comparison) -> Any:
    (one,) = found.compared
    return one.change()


def test_what_is_the_same_is_counted_and_nothing_else() -> None:
    same = graph(resource(BUCKET, "a", {"bucket": "a"}))
    found = compare(same, graph(resource(BUCKET, "a", {"bucket": "a"})))
    assert (found.compared, found.unchanged) == ((), 1)


def test_a_moved_line_is_no_change() -> None:
    first = graph(resource(BUCKET, "a", {"bucket": "a"}))
    body = first.body.replace(b"x.py:7", b"x.py:8")
    assert compare(first, type(first)(first.stack, body, first.marker)).compared == ()


def test_resources_are_created_updated_and_deleted() -> None:
    before = graph(
        resource(BUCKET, "gone", {"bucket": "g"}), resource(BUCKET, "kept", {"bucket": "k"})
    )
    after = graph(
        resource(BUCKET, "kept", {"bucket": "k", "forceDestroy": True}),
        resource(BUCKET, "new", {"bucket": "n"}),
    )
    assert actions(compare(before, after)) == {"gone": "delete", "kept": "update", "new": "create"}


def test_a_deletion_that_leaves_the_real_thing_is_told_apart() -> None:
    before = graph(resource(BUCKET, "a", {}, retain_on_delete=True))
    assert only(compare(before, graph())).action == "forget"


def test_a_protected_resource_is_refused() -> None:
    before = graph(resource(BUCKET, "a", {"bucket": "a"}, protect=True))
    assert "refuses to delete" in only(compare(before, graph())).refused
    after = graph(resource(BUCKET, "a", {"bucket": "b"}, protect=True))
    assert "refuses to replace" in only(compare(before, after)).refused


def test_a_rename_with_an_alias_is_one_resource() -> None:
    before = graph(resource(BUCKET, "old", {"bucket": "a"}))
    after = graph(resource(BUCKET, "new", {"bucket": "a"}, aliases=[urn(BUCKET, "old")]))
    change = only(compare(before, after))
    assert (change.action, change.former) == ("rename", urn(BUCKET, "old"))


def test_a_rename_without_an_alias_is_two() -> None:
    before = graph(resource(BUCKET, "old", {"bucket": "a"}))
    after = graph(resource(BUCKET, "new", {"bucket": "a"}))
    assert actions(compare(before, after)) == {"old": "delete", "new": "create"}


def test_an_ignored_property_does_not_change() -> None:
    before = graph(resource(BUCKET, "a", {"bucket": "a", "tags": {"x": "1"}}))
    after = graph(
        resource(BUCKET, "a", {"bucket": "a", "tags": {"x": "2"}}, ignore_changes=["tags"])
    )
    assert compare(before, after).compared == ()


def test_a_program_may_ask_for_a_replacement() -> None:
    before = graph(resource(BUCKET, "a", {"forceDestroy": False}))
    after = graph(
        resource(BUCKET, "a", {"forceDestroy": True}, replace_on_changes=["forceDestroy"])
    )
    change = only(compare(before, after))
    assert change.action == "replace"
    assert "replaceOnChanges" in change.properties[0].replaces


def test_protection_that_goes_is_a_change_of_its_own() -> None:
    before = graph(resource(BUCKET, "a", {}, protect=True))
    change = only(compare(before, graph(resource(BUCKET, "a", {}))))
    assert [each.path for each in change.properties] == ["options.protect"]


def network(cidr: str) -> Any:
    return graph(
        resource(VPC, "vpc", {"cidrBlock": cidr}),
        resource(
            SUBNET,
            "subnet",
            {"vpcId": "<Vpc vpc.id>", "cidrBlock": "10.0.0.0/24"},
            uses={"vpcId": [urn(VPC, "vpc")]},
        ),
        resource(
            ROUTES,
            "routes",
            {"subnetId": "<Subnet subnet.id>", "routeTableId": "fixed"},
            uses={"subnetId": [urn(SUBNET, "subnet")]},
        ),
        resource(BUCKET, "bucket", {"bucket": "b"}),
        exports={"vpc_id": "<Vpc vpc.id>", "other": "same"},
    )


def test_a_replacement_replaces_what_is_fixed_to_it() -> None:
    found = compare(network("10.0.0.0/16"), network("10.1.0.0/16"))
    assert actions(found) == {"vpc": "replace", "subnet": "replace", "routes": "replace"}
    subnet = found.compared[1].change()
    assert subnet.properties[0].path == "vpcId"
    assert not subnet.properties[0].known
    assert "once vpc is made anew" in subnet.reasons[0]


def test_an_export_of_what_is_replaced_is_said_not_to_be_known() -> None:
    found = compare(network("10.0.0.0/16"), network("10.1.0.0/16"))
    assert [(each.path, each.known) for each in found.exports] == [("vpc_id", False)]
    assert any("vpc_id" in each for each in found.not_known)


def database(key: str, identifier: str = "a") -> Any:
    return graph(
        resource(CLUSTER, "cluster", {"clusterIdentifier": identifier, "kmsKeyId": key}),
        resource(
            INSTANCE,
            "instance",
            {"clusterIdentifier": identifier, "instanceClass": "x"},
            uses={"clusterIdentifier": [urn(CLUSTER, "cluster")]},
        ),
        resource(
            SECRET,
            "address",
            {"metadata": {"name": "s"}, "stringData": {"url": Secret("digest")}},
            uses={"stringData": [urn(CLUSTER, "cluster")]},
        ),
    )


def test_what_keeps_its_name_is_deleted_first_with_what_is_fixed_to_it() -> None:
    found = compare(database("one"), database("two"))
    assert actions(found)["cluster"] == "replace"
    assert found.compared[0].change().deleted_first
    # The name stays the same, but the cluster is gone while it is made anew.
    assert actions(found)["instance"] == "replace"
    instance = next(each for each in found.compared if each.resource.name == "instance")
    assert "is deleted before it is made anew" in instance.change().reasons[0]


def test_a_secret_that_takes_a_value_of_what_is_replaced_is_said_not_to_be_known() -> None:
    found = compare(database("one"), database("two"))
    secret = next(each for each in found.compared if each.resource.name == "address").change()
    url = next(each for each in secret.properties if each.path == "stringData.url")
    assert (url.known, url.secret, url.after) == (False, True, "[secret]")


def test_a_stack_that_is_new_or_gone_is_all_created_or_all_deleted() -> None:
    there = graph(resource(BUCKET, "a", {}), exports={"x": 1})
    assert actions(compare(None, there)) == {"a": "create"}
    assert actions(compare(there, None)) == {"a": "delete"}


def test_what_nobody_can_tell_is_said() -> None:
    type = "aws:made/up:Up"
    found = compare(graph(resource(type, "a", {"x": 1})), graph(resource(type, "a", {"x": 2})))
    assert only(found).action == "update"
    assert found.not_known == (
        "whether x of a (Up) is changed in place: CloudFormation has no such type",
    )
