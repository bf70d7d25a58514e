"""A cell's cluster, as its graph shows it: also what pulumi-eks makes, after our changes to it."""

import base64
import json
import tomllib
from typing import get_args

import pulumi
import pulumi_aws as aws
import pulumi_eks
import pytest
from foundations import (
    ACCOUNT,
    KEY,
    ZONES,
    assert_ec2_takes_every_description,
    assert_the_same_resources_without_known_outputs,
)
from foundations import evaluate as evaluate_declaration

from catalog.cell import Kubernetes, NodePool
from components.aws.cluster import Cluster
from components.aws.cluster_access import access_entries
from components.aws.cluster_versions import VERSIONS
from components.aws.system_nodes import per_zone
from rehearsal.errors import ProgramRaisedError

NAME = "acme-prod-eu-west-1"
ROLES = {
    duty: f"arn:aws:iam::{ACCOUNT}:role/{NAME}-{duty}"
    for duty in ("developer", "operator", "auditor", "break-glass", "deployer")
}
SPEC = Kubernetes.model_validate(
    {
        "version": "1.34",
        "system_nodes": {"instance_types": ["m7g.large"], "minimum": 3, "maximum": 9},
        "node_pools": {"general": {"instance_types": ["m7g.xlarge"], "minimum": 0, "maximum": 50}},
    }
)


def cluster(opts, **inputs):
    opts = pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(providers={"eks": pulumi_eks.Provider("eks")})
    )
    return Cluster(
        "cluster",
        SPEC,
        cluster_name=NAME,
        account=ACCOUNT,
        zones=ZONES,
        vpc_id="vpc-1",
        vpc_cidr="10.16.0.0/16",
        private_subnet_ids=["subnet-a", "subnet-b", "subnet-c"],
        key_arn=KEY,
        log_retention_days=30,
        api_clients={"vpn": "sg-vpn"},
        node_tags={"cell": "prod-eu-west-1"},
        **{"access": ROLES, **inputs},
        opts=opts,
    )


def declare(opts):
    cluster(opts)


@pytest.fixture(scope="module")
def graph():
    return evaluate_declaration(declare)


@pytest.fixture(scope="module")
def eks(graph):
    """The cluster that the provider really makes."""
    (cluster,) = graph.of_type("aws:eks/cluster:Cluster")
    return cluster.inputs


def test_a_plan_without_known_outputs_has_the_same_resources():
    assert_the_same_resources_without_known_outputs(declare)


def test_the_control_plane_has_a_role_of_its_own_before_it_begins(graph):
    (cluster,) = graph.of_type("aws:eks/cluster:Cluster")
    role = graph.named("cluster-role-role")
    assert cluster.inputs["roleArn"] == role.outputs["arn"]
    assert role.inputs["name"] == f"{NAME}-cluster"
    assert graph.named("cluster-role-policy").urn in cluster.dependencies
    assert not graph.of_type("eks:index:ServiceRole")


def test_nothing_is_warned_of(graph):
    assert graph.warnings == ()


def test_access_is_by_entries_alone_and_the_creator_has_none(eks):
    assert eks["accessConfig"] == {
        "authenticationMode": "API",
        "bootstrapClusterCreatorAdminPermissions": False,
    }


def test_each_duty_has_the_access_policy_it_needs_and_no_other(graph):
    granted = {
        resource.inputs["principalArn"]: (
            resource.inputs["policyArn"].rpartition("/")[2],
            resource.inputs["accessScope"],
        )
        for resource in graph.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    }
    view, admin = "AmazonEKSViewPolicy", "AmazonEKSClusterAdminPolicy"
    whole_cluster = {"type": "cluster"}
    assert granted == {
        ROLES["developer"]: (view, whole_cluster),
        ROLES["auditor"]: (view, whole_cluster),
        ROLES["operator"]: (admin, whole_cluster),
        ROLES["break-glass"]: (admin, whole_cluster),
        ROLES["deployer"]: (admin, whole_cluster),
    }
    entries = graph.of_type("aws:eks/accessEntry:AccessEntry")
    assert {entry.inputs["principalArn"] for entry in entries} == set(ROLES.values())


def test_a_duty_without_a_policy_is_refused_with_those_that_have_one():
    with pytest.raises(ValueError, match=r"cook, gardener; duties are auditor, break-glass"):
        access_entries({"cook": "arn:a", "gardener": "arn:b", "operator": "arn:c"})


def test_only_the_private_endpoint_is_on(eks):
    assert eks["vpcConfig"]["endpointPrivateAccess"] is True
    assert eks["vpcConfig"]["endpointPublicAccess"] is False


def test_secrets_are_encrypted_with_the_cells_key(eks):
    assert eks["encryptionConfig"] == {"provider": {"keyArn": KEY}, "resources": ["secrets"]}


def test_all_control_plane_logs_go_to_a_group_that_was_there_before(graph, eks):
    assert sorted(eks["enabledClusterLogTypes"]) == [
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
    ]
    logs = graph.named("cluster-logs")
    assert logs.inputs["name"] == f"/aws/eks/{NAME}/cluster"
    assert logs.inputs["retentionInDays"] == 30
    assert logs.inputs["kmsKeyId"] == KEY
    (cluster,) = graph.of_type("aws:eks/cluster:Cluster")
    assert logs.urn in cluster.dependencies


def test_the_cluster_cannot_be_deleted_or_upgraded_by_accident(eks):
    assert eks["deletionProtection"] is True
    assert eks["upgradePolicy"] == {"supportType": "EXTENDED"}
    assert eks["version"] == "1.34"


def test_every_version_a_cell_may_choose_has_its_add_ons_and_node_image():
    offered = get_args(Kubernetes.model_fields["version"].annotation)
    assert set(VERSIONS) == set(offered)
    for version in offered:
        assert VERSIONS[version].kube_proxy.startswith(f"v{version}.")


def addons(graph):
    return {addon.inputs["addonName"]: addon for addon in graph.of_type("aws:eks/addon:Addon")}


def test_every_add_on_is_pinned_to_the_version_of_its_kubernetes(graph):
    versions = {name: addon.inputs["addonVersion"] for name, addon in addons(graph).items()}
    assert versions == {
        "vpc-cni": VERSIONS["1.34"].vpc_cni,
        "kube-proxy": VERSIONS["1.34"].kube_proxy,
        "eks-pod-identity-agent": VERSIONS["1.34"].pod_identity_agent,
        "coredns": VERSIONS["1.34"].coredns,
        "aws-ebs-csi-driver": VERSIONS["1.34"].ebs_csi_driver,
        "metrics-server": VERSIONS["1.34"].metrics_server,
        "aws-guardduty-agent": VERSIONS["1.34"].guardduty_agent,
    }


def test_the_cni_enforces_network_policies_and_hands_out_prefixes(graph):
    settings = json.loads(addons(graph)["vpc-cni"].inputs["configurationValues"])
    assert settings["enableNetworkPolicy"] == "true"
    assert settings["env"]["ENABLE_PREFIX_DELEGATION"] == "true"


@pytest.mark.parametrize(
    ("addon", "service_account"),
    [("vpc-cni", "aws-node"), ("aws-ebs-csi-driver", "ebs-csi-controller-sa")],
)
def test_an_add_on_that_calls_aws_has_a_pod_identity_role_of_its_own(graph, addon, service_account):
    (identity,) = addons(graph)[addon].inputs["podIdentityAssociations"]
    assert identity["serviceAccount"] == service_account
    (role,) = [
        role
        for role in graph.of_type("aws:iam/role:Role")
        if role.outputs.get("arn") == identity["roleArn"]
    ]
    (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    tags = trust["Condition"]["StringEquals"]
    assert tags["aws:RequestTag/kubernetes-service-account"] == service_account
    assert tags["aws:RequestTag/kubernetes-namespace"] == "kube-system"
    assert tags["aws:RequestTag/eks-cluster-arn"].endswith(f":cluster/{NAME}")


def policies_of(graph, role_name):
    return {
        attachment.inputs["policyArn"].rpartition("/")[2]
        for attachment in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if attachment.inputs["role"] == role_name
    }


def test_the_nodes_role_can_join_and_pull_and_do_no_more(graph):
    role = graph.named("cluster-node-role-role")
    assert policies_of(graph, role.inputs["name"]) == {
        "AmazonEKSWorkerNodeMinimalPolicy",
        "AmazonEC2ContainerRegistryPullOnly",
    }
    groups = graph.of_type("aws:eks/nodeGroup:NodeGroup")
    assert {group.inputs["nodeRoleArn"] for group in groups} == {role.outputs["arn"]}


def test_the_cnis_permissions_are_its_own_roles(graph):
    assert policies_of(graph, f"{NAME}-vpc-cni") == {"AmazonEKS_CNI_Policy"}


def test_every_zone_has_system_nodes_of_its_own(graph):
    groups = graph.of_type("aws:eks/nodeGroup:NodeGroup")
    subnets = sorted(group.inputs["subnetIds"] for group in groups)
    assert subnets == [["subnet-a"], ["subnet-b"], ["subnet-c"]]
    for group in groups:
        assert group.inputs["scalingConfig"] == {"desiredSize": 1, "minSize": 1, "maxSize": 3}


@pytest.mark.parametrize(
    ("minimum", "maximum", "zones", "expected"),
    [(3, 9, 3, (1, 3)), (0, 1, 3, (1, 1)), (4, 6, 3, (2, 2)), (2, 5, 2, (1, 3))],
)
def test_no_zone_is_left_without_a_system_node(minimum, maximum, zones, expected):
    pool = NodePool(instance_types=("m7g.large",), minimum=minimum, maximum=maximum)
    assert per_zone(pool, zones) == expected


def test_system_nodes_are_pinned_bottlerocket_kept_for_system_workloads(graph):
    for group in graph.of_type("aws:eks/nodeGroup:NodeGroup"):
        assert group.inputs["amiType"] == "BOTTLEROCKET_ARM_64"
        assert group.inputs["version"] == "1.34"
        assert group.inputs["releaseVersion"] == VERSIONS["1.34"].bottlerocket
        (taint,) = group.inputs["taints"]
        assert taint["key"] == "CriticalAddonsOnly"
        assert "remoteAccess" not in group.inputs


def test_broken_nodes_are_replaced_and_new_images_come_one_node_at_a_time(graph):
    for group in graph.of_type("aws:eks/nodeGroup:NodeGroup"):
        assert group.inputs["updateConfig"] == {"maxUnavailable": 1}
        assert group.inputs["nodeRepairConfig"] == {"enabled": True}


@pytest.fixture(scope="module")
def template(graph):
    (template,) = graph.of_type("aws:ec2/launchTemplate:LaunchTemplate")
    return template.inputs


def test_nodes_give_their_credentials_to_no_pod(template):
    assert template["metadataOptions"]["httpTokens"] == "required"
    assert template["metadataOptions"]["httpPutResponseHopLimit"] == 1


def test_every_volume_of_a_node_is_encrypted_with_the_cells_key(template):
    devices = {mapping["deviceName"] for mapping in template["blockDeviceMappings"]}
    assert devices == {"/dev/xvda", "/dev/xvdb"}
    for mapping in template["blockDeviceMappings"]:
        assert mapping["ebs"]["encrypted"] == "true"
        assert mapping["ebs"]["kmsKeyId"] == KEY
        assert mapping["ebs"]["volumeType"] == "gp3"


def test_nobody_gets_a_shell_on_a_node(template):
    assert "keyName" not in template
    settings = tomllib.loads(base64.b64decode(template["userData"]).decode())["settings"]
    containers = settings["host-containers"]
    assert {name: container["enabled"] for name, container in containers.items()} == {
        "admin": False,
        "control": False,
    }


def test_instances_volumes_and_interfaces_carry_the_cells_tags(template):
    tagged = {spec["resourceType"]: spec["tags"] for spec in template["tagSpecifications"]}
    assert set(tagged) == {"instance", "volume", "network-interface"}
    assert all(tags["cell"] == "prod-eu-west-1" for tags in tagged.values())


def test_nodes_come_after_what_they_reach_aws_by_and_go_before_it():
    def declare_with_a_way_out(opts):
        network = pulumi.ComponentResource("test:aws:Network", "network", None, opts)
        aws.ec2.InternetGateway("way-out", opts=pulumi.ResourceOptions(parent=network))
        cluster(opts, nodes_after=[network])

    graph = evaluate_declaration(declare_with_a_way_out)
    way_out = graph.named("way-out").urn
    for group in graph.of_type("aws:eks/nodeGroup:NodeGroup"):
        assert way_out in group.dependencies


def test_nodes_come_after_their_network_and_go_before_it(graph):
    needed = {
        addons(graph)[name].urn for name in ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
    }
    needed |= {
        attachment.urn
        for attachment in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if attachment.name.startswith("cluster-node-role-")
    }
    for group in graph.of_type("aws:eks/nodeGroup:NodeGroup"):
        assert needed <= set(group.dependencies)


def test_deployments_among_the_add_ons_wait_for_nodes(graph):
    order = list(graph.resources)
    last_node = max(order.index(g.urn) for g in graph.of_type("aws:eks/nodeGroup:NodeGroup"))
    for name in ("coredns", "aws-ebs-csi-driver", "metrics-server"):
        assert order.index(addons(graph)[name].urn) > last_node


def security_group_rules(graph, direction):
    kind = {"in": "Ingress", "out": "Egress"}[direction]
    return graph.of_type(f"aws:vpc/securityGroup{kind}Rule:SecurityGroup{kind}Rule")


def test_no_rule_lets_in_an_address_range(graph):
    inbound = security_group_rules(graph, "in")
    assert inbound
    for rule in inbound:
        assert "referencedSecurityGroupId" in rule.inputs, rule.name
        assert "cidrIpv4" not in rule.inputs
        assert "cidrIpv6" not in rule.inputs


def test_every_rule_says_what_it_is_for_in_letters_that_ec2_takes(graph):
    assert_ec2_takes_every_description(graph)


def test_pulumi_eks_adds_no_group_and_no_rule_of_its_own(graph, eks):
    assert graph.of_type("aws:ec2/securityGroupRule:SecurityGroupRule") == []
    assert eks["vpcConfig"]["securityGroupIds"] == [
        graph.named("cluster-security-groups-control-plane").id
    ]


def test_the_kubernetes_api_answers_nodes_and_named_clients_only(graph):
    control_plane = graph.named("cluster-security-groups-control-plane").id
    callers = {
        (rule.inputs["referencedSecurityGroupId"], rule.inputs["fromPort"], rule.inputs["toPort"])
        for rule in security_group_rules(graph, "in")
        if rule.inputs["securityGroupId"] == control_plane
    }
    nodes = graph.named("cluster-security-groups-nodes").id
    assert callers == {(nodes, 443, 443), ("sg-vpn", 443, 443)}


def test_nodes_reach_the_world_by_https_alone(graph):
    outbound = [
        (rule.inputs["ipProtocol"], rule.inputs["fromPort"], rule.inputs["toPort"])
        for rule in security_group_rules(graph, "out")
        if rule.inputs.get("cidrIpv4") == "0.0.0.0/0"
    ]
    assert outbound == [("tcp", 443, 443)]


def test_the_kubeconfig_holds_no_credential_but_asks_aws_for_one():
    exported = {}

    def declare_and_keep(opts):
        cluster(opts).kubeconfig.apply(lambda text: exported.update(json.loads(text)))

    evaluate_declaration(declare_and_keep)
    (user,) = exported["users"]
    assert set(user["user"]) == {"exec"}
    assert user["user"]["exec"]["command"] == "aws"
    assert user["user"]["exec"]["args"][2:4] == ["eks", "get-token"]
    assert NAME in user["user"]["exec"]["args"]


def test_a_duty_that_nobody_knows_stops_the_program():
    with pytest.raises(ProgramRaisedError, match="no access policy for gardener"):
        evaluate_declaration(lambda opts: cluster(opts, access={"gardener": "arn:a"}))
