"""Workloads' roles, read off the graph."""

import pytest
from foundations import (
    ACCOUNT,
    REGION,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)

from components.aws.workload_role import WorkloadRole

CLUSTER = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/acme-prod"
READ = {
    "Sid": "Read",
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::acme-prod-umbrella/*",
}


def role(opts, rights=(READ,)):
    return WorkloadRole(
        "flows",
        role_name="acme-prod-umbrella-flows",
        cluster_name="acme-prod",
        cluster_arn=CLUSTER,
        account=ACCOUNT,
        namespace="tenant-umbrella",
        service_account="flows",
        statements=rights,
        opts=opts,
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(role)


def test_only_pod_identity_can_hand_out_the_role(graph):
    found = graph.named("flows-role")
    trust = statements(found, "assumeRolePolicy")["PodIdentityOfOneServiceAccount"]
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert found.inputs["name"] == "acme-prod-umbrella-flows"
    assert found.inputs["maxSessionDuration"] == 3600


def test_the_trust_is_limited_to_cluster_namespace_and_service_account(graph):
    trust = statements(graph.named("flows-role"), "assumeRolePolicy")
    assert trust["PodIdentityOfOneServiceAccount"]["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": ACCOUNT,
            "aws:RequestTag/eks-cluster-arn": CLUSTER,
            "aws:RequestTag/kubernetes-namespace": "tenant-umbrella",
            "aws:RequestTag/kubernetes-service-account": "flows",
        },
        "ArnEquals": {"aws:SourceArn": CLUSTER},
    }


def test_the_association_joins_the_service_account_to_the_role(graph):
    association = graph.named("flows-association")
    assert association.inputs["clusterName"] == "acme-prod"
    assert association.inputs["namespace"] == "tenant-umbrella"
    assert association.inputs["serviceAccount"] == "flows"
    assert association.inputs["roleArn"] == graph.named("flows-role").outputs["arn"]
    assert graph.named("flows-policy").urn in association.dependencies


def test_the_role_has_exactly_the_given_rights(graph):
    assert statements(graph.named("flows-policy")) == {"Read": READ}


def test_a_workload_without_rights_has_no_policy_at_all():
    bare = evaluate(lambda opts: role(opts, rights=()))
    assert not bare.of_type("aws:iam/rolePolicy:RolePolicy")
    assert bare.named("flows-association")


def test_the_resources_are_the_same_before_anything_is_known():
    assert_the_same_resources_without_known_outputs(role)
