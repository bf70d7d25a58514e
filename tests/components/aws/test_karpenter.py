"""The AWS side of Karpenter, as its graph shows it."""

import json

import pytest
from foundations import (
    ACCOUNT,
    KEY,
    REGION,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)

from components.aws.karpenter import Karpenter

NAME = "acme-prod-eu-west-1"
CLUSTER_ARN = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{NAME}"


def declare(opts):
    Karpenter(
        "karpenter",
        cluster_name=NAME,
        cluster_arn=CLUSTER_ARN,
        account=ACCOUNT,
        region=REGION,
        key_arn=KEY,
        opts=opts,
    )


@pytest.fixture(scope="module")
def graph():
    return evaluate(declare)


@pytest.fixture(scope="module")
def controller(graph):
    return statements(graph.named("karpenter-controller-policy"))


def test_a_plan_without_known_outputs_has_the_same_resources():
    assert_the_same_resources_without_known_outputs(declare)


def test_nodes_that_karpenter_starts_may_join(graph):
    (entry,) = graph.of_type("aws:eks/accessEntry:AccessEntry")
    assert entry.inputs["type"] == "EC2_LINUX"
    assert entry.inputs["clusterName"] == NAME
    assert entry.inputs["principalArn"] == graph.named("karpenter-nodes-role").outputs["arn"]


def test_its_nodes_have_no_cni_permissions(graph):
    attached = {
        attachment.inputs["policyArn"].rpartition("/")[2]
        for attachment in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    }
    assert attached == {"AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"}


def test_interruptions_wait_in_an_encrypted_queue(graph):
    (queue,) = graph.of_type("aws:sqs/queue:Queue")
    assert queue.inputs["kmsMasterKeyId"] == KEY
    assert queue.inputs["messageRetentionSeconds"] == 300


def test_every_kind_of_interruption_reaches_the_queue(graph):
    (queue,) = graph.of_type("aws:sqs/queue:Queue")
    kinds = {
        kind
        for rule in graph.of_type("aws:cloudwatch/eventRule:EventRule")
        for kind in json.loads(rule.inputs["eventPattern"])["detail-type"]
    }
    assert kinds == {
        "EC2 Spot Instance Interruption Warning",
        "EC2 Instance Rebalance Recommendation",
        "EC2 Instance State-change Notification",
        "AWS Health Event",
    }
    targets = graph.of_type("aws:cloudwatch/eventTarget:EventTarget")
    assert len(targets) == len(kinds)
    assert {target.inputs["arn"] for target in targets} == {queue.outputs["arn"]}


def test_only_its_own_rules_may_fill_the_queue_and_nobody_in_clear(graph):
    policy = statements(graph.named("karpenter-queue-policy"))
    rules = {rule.outputs["arn"] for rule in graph.of_type("aws:cloudwatch/eventRule:EventRule")}
    arrivals = policy["InterruptionsArrive"]
    assert set(arrivals["Condition"]["ArnEquals"]["aws:SourceArn"]) == rules
    assert policy["NothingInClear"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_controllers_identity_is_its_service_accounts_alone(graph):
    (association,) = graph.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
    assert association.inputs["namespace"] == "karpenter"
    assert association.inputs["serviceAccount"] == "karpenter"


@pytest.mark.parametrize("sid", ["EndOwnInstances", "TagOwnInstances", "LaunchFromOwnTemplates"])
def test_the_controller_touches_instances_of_this_cluster_only(controller, sid):
    condition = controller[sid]["Condition"]["StringEquals"]
    assert condition[f"aws:ResourceTag/kubernetes.io/cluster/{NAME}"] == "owned"


def test_the_controller_hands_out_no_other_role(graph, controller):
    passed = controller["GiveNodesTheirRole"]
    assert passed["Resource"] == graph.named("karpenter-nodes-role").outputs["arn"]
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}


def test_the_controller_changes_nothing_in_iam_but_lets_ec2_make_its_role_for_spot(
    graph, controller
):
    actions = {action for statement in controller.values() for action in statement["Action"]}
    assert {action for action in actions if action.startswith("iam:")} == {
        "iam:CreateServiceLinkedRole",
        "iam:GetInstanceProfile",
        "iam:ListInstanceProfiles",
        "iam:PassRole",
    }
    (profile,) = graph.of_type("aws:iam/instanceProfile:InstanceProfile")
    assert profile.inputs["role"] == graph.named("karpenter-nodes-role").inputs["name"]


def test_what_is_allowed_everywhere_only_looks(controller):
    wide = [
        action
        for statement in controller.values()
        if statement["Resource"] == "*"
        for action in statement["Action"]
    ]
    assert wide
    assert all(action.split(":")[1].startswith(("Describe", "Get", "List")) for action in wide)


def test_ec2_may_make_the_role_that_a_new_account_lacks_for_spot_instances_and_no_other(controller):
    made = controller["MakeTheSpotRoleOnce"]
    assert made["Resource"].startswith(f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/spot.")
    assert made["Condition"] == {"StringEquals": {"iam:AWSServiceName": "spot.amazonaws.com"}}
