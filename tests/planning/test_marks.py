"""Each consequence is marked where it happens, and not where it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from encoded import graph, resource, urn

from planning import marks
from planning.compare import compare
from planning.marks.registry import KINDS

CLUSTER = "aws:rds/cluster:Cluster"
INSTANCE = "aws:rds/clusterInstance:ClusterInstance"
EKS = "aws:eks/cluster:Cluster"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
LIST = "aws:ec2/managedPrefixList:ManagedPrefixList"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
QUOTA = "kubernetes:core/v1:ResourceQuota"
ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/rolePolicy:RolePolicy"
GRANT = "postgresql:index/grant:Grant"
TABLE = "aws:dynamodb/table:Table"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OPEN = {"fromPort": 443, "toPort": 443, "ipProtocol": "tcp"}


def entries(*cidrs: str) -> dict[str, Any]:
    return {"entries": [{"cidr": cidr} for cidr in cidrs]}


def trust(**condition: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": "github"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"token:sub": list(condition.values())}},
    }
    return {"assumeRolePolicy": json.dumps({"Statement": [statement]})}


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"policy": json.dumps({"Statement": [statement]})}


def kinds(
    type: str, before: dict[str, Any] | None, after: dict[str, Any] | None, **options: Any
) -> set[str]:
    base = graph(*([resource(type, "it", before, **options)] if before is not None else []))
    head = graph(*([resource(type, "it", after, **options)] if after is not None else []))
    return {
        mark.kind
        for each in compare(base, head).compared
        for mark in marks.of_change(each, each.change(), base.graph, head.graph)
    }


@pytest.mark.parametrize(
    ("type", "before", "after", "kind"),
    [
        (CLUSTER, {"kmsKeyId": "a"}, {"kmsKeyId": "b"}, "storage-key-changed"),
        (CLUSTER, {"kmsKeyId": "a"}, {"kmsKeyId": "b"}, "loses-data"),
        (CLUSTER, {"engine": "x"}, None, "loses-data"),
        (CLUSTER, {"deletionProtection": True}, {}, "deletion-protection-off"),
        (CLUSTER, {}, {"skipFinalSnapshot": True}, "deletion-protection-off"),
        (
            CLUSTER,
            {"backupRetentionPeriod": 35},
            {"backupRetentionPeriod": 7},
            "backup-retention-cut",
        ),
        (CLUSTER, {"engineVersion": "16.8"}, {"engineVersion": "16.4"}, "engine-version-lowered"),
        (CLUSTER, {"engineVersion": "16.8"}, {"engineVersion": "17.4"}, "restarts-database"),
        (INSTANCE, {"instanceClass": "a"}, {"instanceClass": "b"}, "restarts-database"),
        (INSTANCE, {}, {"publiclyAccessible": True}, "opens-network"),
        (EKS, {"version": "1.33"}, {"version": "1.35"}, "kubernetes-version-skipped"),
        (EKS, {"version": "1.34"}, {"version": "1.33"}, "kubernetes-version-lowered"),
        (
            EKS,
            {"enabledClusterLogTypes": ["api", "audit"]},
            {"enabledClusterLogTypes": ["api"]},
            "log-retention-cut",
        ),
        (RULE, None, {**OPEN, "cidrIpv4": "10.0.0.0/8"}, "opens-network"),
        (
            RULE,
            {**OPEN, "cidrIpv4": "10.0.0.0/16"},
            {**OPEN, "cidrIpv4": "10.0.0.0/8"},
            "opens-network",
        ),
        (LIST, entries("192.0.2.0/28"), entries("192.0.2.0/24"), "widens-allow-list"),
        (LIST, entries("192.0.2.0/28"), entries("192.0.2.0/28", "::/0"), "widens-allow-list"),
        (LOGS, {"retentionInDays": 0}, {"retentionInDays": 365}, "log-retention-cut"),
        (QUOTA, {"spec": {"hard": {"cpu": "500m"}}}, {"spec": {"hard": {}}}, "quota-raised"),
        (
            QUOTA,
            {"spec": {"hard": {"memory": "900Mi"}}},
            {"spec": {"hard": {"memory": "1Gi"}}},
            "quota-raised",
        ),
        (ROLE, trust(a="repo:us/it:*"), trust(a="repo:them/it:*"), "trust-policy"),
        (POLICY, allow("s3:GetObject"), allow("s3:GetObject", "s3:*"), "iam-wildcard"),
        (GRANT, None, {"role": "public", "privileges": ["SELECT"]}, "public-grant"),
        (
            GRANT,
            {"role": "PUBLIC", "privileges": ["SELECT"]},
            {"role": "PUBLIC", "privileges": ["SELECT", "INSERT"]},
            "public-grant",
        ),
        (
            TABLE,
            {"pointInTimeRecovery": {"enabled": True}},
            {"pointInTimeRecovery": {"enabled": False}},
            "backup-retention-cut",
        ),
        (BLOCK, {"blockPublicAcls": True}, {"blockPublicAcls": False}, "opens-network"),
        (BLOCK, {"blockPublicAcls": True}, None, "guard-removed"),
        (
            "aws:cloudtrail/trail:Trail",
            {"enableLogging": True},
            {"enableLogging": False},
            "guard-removed",
        ),
    ],
)
def test_a_consequence_is_marked(
    type: str, before: dict[str, Any] | None, after: dict[str, Any] | None, kind: str
) -> None:
    assert kind in kinds(type, before, after)
    assert kind in KINDS


@pytest.mark.parametrize(
    ("type", "before", "after"),
    [
        (CLUSTER, {"backupRetentionPeriod": 7}, {"backupRetentionPeriod": 35}),
        (CLUSTER, {}, {"deletionProtection": True}),
        (EKS, {"version": "1.33"}, {"version": "1.34"}),
        (LIST, entries("192.0.2.0/24"), entries("192.0.2.0/28")),
        (LIST, entries("192.0.2.0/28", "192.0.2.16/28"), entries("192.0.2.16/28")),
        (RULE, {**OPEN, "cidrIpv4": "10.0.0.0/8"}, {**OPEN, "cidrIpv4": "10.0.0.0/16"}),
        (RULE, {**OPEN, "description": "a"}, {**OPEN, "description": "b"}),
        (RULE, {**OPEN, "cidrIpv4": "10.0.0.0/8"}, None),
        (LOGS, {"retentionInDays": 30}, {"retentionInDays": 0}),
        (QUOTA, {"spec": {"hard": {"cpu": "1"}}}, {"spec": {"hard": {"cpu": "900m"}}}),
        (POLICY, allow("s3:*"), allow("s3:*", "kms:Decrypt")),
        (GRANT, None, {"role": "somebody", "privileges": ["SELECT"]}),
        (GRANT, {"role": "public", "privileges": ["SELECT"]}, None),
    ],
)
def test_what_is_harmless_is_not_marked(
    type: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    assert kinds(type, before, after) == set()


def test_a_protected_resource_that_no_longer_is_one_is_marked() -> None:
    base = graph(resource(TABLE, "it", {}, protect=True))
    head = graph(resource(TABLE, "it", {}))
    (each,) = compare(base, head).compared
    found = [m.kind for m in marks.of_change(each, each.change(), base.graph, head.graph)]
    assert found == ["deletion-protection-off"]


def test_rights_of_the_network_plugin_are_marked_on_a_role_of_nodes_alone() -> None:
    def role(service: str) -> dict[str, Any]:
        statement = {"Effect": "Allow", "Principal": {"Service": service}}
        policy = {"assumeRolePolicy": json.dumps({"Statement": [statement]}), "name": "r"}
        return resource(ROLE, "role", policy)

    attachment = resource(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "cni",
        {"role": "r", "policyArn": "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"},
        uses={"role": [urn(ROLE, "role")]},
    )
    found = {}
    for service in ("ec2.amazonaws.com", "pods.eks.amazonaws.com"):
        base, head = graph(role(service)), graph(role(service), attachment)
        (each,) = compare(base, head).compared
        change = each.change()
        found[service] = [m.kind for m in marks.of_change(each, change, base.graph, head.graph)]
    assert found == {
        "ec2.amazonaws.com": ["node-role-network-rights"],
        "pods.eks.amazonaws.com": [],
    }
