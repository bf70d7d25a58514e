"""Cluster: what a reviewer looks for."""

from __future__ import annotations

import json
import re

from settings_platform import encrypted_by_own_key, has, refers_to, setting, statements

CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
LOG_TYPES = {"api", "audit", "authenticator", "controllerManager", "scheduler"}


def addons(platform, name):
    for _, graph, addon in platform.in_cells("aws:eks/addon:Addon"):
        if addon.inputs["addonName"] == name:
            yield graph, addon


def cluster_logs(platform):
    """Each cell's log group of the control plane, which EKS finds by its name."""
    for _, graph, cluster in platform.in_cells(CLUSTER):
        name = f"/aws/eks/{cluster.inputs['name']}/cluster"
        (group,) = [
            each
            for each in graph.of_type("aws:cloudwatch/logGroup:LogGroup")
            if each.inputs["name"] == name
        ]
        yield graph, group


@setting("Cluster", "The authentication mode is API")
def mode(platform):
    for _, _, cluster in platform.in_cells(CLUSTER):
        assert cluster.inputs["accessConfig"]["authenticationMode"] == "API", cluster.urn
        yield cluster


@setting("Cluster", "Whoever creates a cluster gets no rights in it")
def creator(platform):
    for _, _, cluster in platform.in_cells(CLUSTER):
        access = cluster.inputs["accessConfig"]
        assert access["bootstrapClusterCreatorAdminPermissions"] is False, cluster.urn
        yield cluster


@setting("Cluster", "Access entries name the duties' roles, CI's deployer and nodes, nobody else")
def entries(platform):
    for cell, graph, entry in platform.in_cells("aws:eks/accessEntry:AccessEntry"):
        duties = [
            graph.named(f"duties-{duty}").outputs["arn"]
            for duty in ("developer", "operator", "auditor", "break-glass")
        ]
        deployer = f"arn:aws:iam::{cell.account}:role/halyard-ci-deploy-{cell.environment}"
        nodes = graph.named("services-karpenter-foundation-nodes-role").outputs["arn"]
        assert entry.inputs["principalArn"] in {*duties, deployer, nodes}, entry.urn
        assert not entry.inputs.get("kubernetesGroups"), entry.urn
        yield entry


@setting("Cluster", "Developers and auditors may look, and nothing more")
def onlookers(platform):
    association = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
    for _, _, each in platform.in_cells(association):
        if each.inputs["principalArn"].endswith(("-developer", "-auditor")):
            assert each.inputs["policyArn"].endswith("/AmazonEKSViewPolicy"), each.urn
            yield each


@setting("Cluster", "The Kubernetes API has a private endpoint")
def private(platform):
    for _, _, cluster in platform.in_cells(CLUSTER):
        assert cluster.inputs["vpcConfig"]["endpointPrivateAccess"] is True, cluster.urn
        yield cluster


@setting("Cluster", "The Kubernetes API has no public endpoint")
def not_public(platform):
    for _, _, cluster in platform.in_cells(CLUSTER):
        assert cluster.inputs["vpcConfig"]["endpointPublicAccess"] is False, cluster.urn
        yield cluster


@setting("Cluster", "Kubernetes secrets are encrypted with the cell's key")
def secrets(platform):
    for _, graph, cluster in platform.in_cells(CLUSTER):
        encryption = cluster.inputs["encryptionConfig"]
        assert encryption["resources"] == ["secrets"], cluster.urn
        yield encrypted_by_own_key(graph, cluster, "key", encryption["provider"]["keyArn"])


@setting("Cluster", "All five control-plane logs are written")
def log_types(platform):
    for _, _, cluster in platform.in_cells(CLUSTER):
        assert set(cluster.inputs["enabledClusterLogTypes"]) == LOG_TYPES, cluster.urn
        yield cluster


@setting("Cluster", "Control-plane logs are hot for 30 days")
def hot(platform):
    for graph, group in cluster_logs(platform):
        encrypted_by_own_key(graph, group, "kmsKeyId", group.inputs["kmsKeyId"])
        yield has(group, retentionInDays=30)


@setting("Cluster", "Control-plane logs are archived in the locked bucket of the audit account")
def archived(platform):
    bucket = platform.organization.named("archive-archive-bucket")
    for graph, group in cluster_logs(platform):
        (subscription,) = [
            each
            for each in graph.of_type("aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter")
            if each.inputs["logGroup"] == group.inputs["name"]
        ]
        stream = refers_to(
            graph,
            subscription.inputs["destinationArn"],
            "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
        )
        target = stream.inputs["extendedS3Configuration"]["bucketArn"]
        assert target == bucket.outputs["arn"], stream.urn
        yield from (subscription, stream)


@setting("Cluster", "The version of Kubernetes is pinned to the catalog's")
def version(platform):
    for cell, _, cluster in platform.in_cells(CLUSTER):
        yield has(cluster, version=cell.kubernetes.version)
    for cell, _, group in platform.in_cells(NODE_GROUP):
        yield has(group, version=cell.kubernetes.version)


@setting("Cluster", "Every add-on is pinned to a build")
def addon_versions(platform):
    for _, _, addon in platform.in_cells("aws:eks/addon:Addon"):
        build = addon.inputs.get("addonVersion", "")
        assert re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", build), addon.urn
        yield addon


@setting("Cluster", "Every workload that calls AWS does so by Pod Identity, none by IRSA")
def pod_identity(platform):
    for tenant, _, graph in platform.tenants:
        associations = {
            each.inputs["serviceAccount"]: each
            for each in graph.of_type("aws:eks/podIdentityAssociation:PodIdentityAssociation")
            if each.inputs["namespace"] == f"tenant-{tenant.name}"
        }
        assert set(associations) == set(tenant.services), graph.stack
        yield from associations.values()
    for graph in platform.graphs.values():
        for account in graph.of_type("kubernetes:core/v1:ServiceAccount"):
            annotations = account.inputs["metadata"].get("annotations") or {}
            assert "eks.amazonaws.com/role-arn" not in annotations, account.urn
    for _, graph in platform.cells:
        assert not graph.of_type("aws:iam/openIdConnectProvider:OpenIdConnectProvider")


def associations(platform):
    """Every association with its role: those declared alone, and those of add-ons."""
    for graph, each in platform.everywhere("aws:eks/podIdentityAssociation:PodIdentityAssociation"):
        cluster, namespace = each.inputs["clusterName"], each.inputs["namespace"]
        yield graph, each, cluster, namespace, each.inputs["serviceAccount"], each.inputs["roleArn"]
    for _, graph, addon in platform.in_cells("aws:eks/addon:Addon"):
        for each in addon.inputs.get("podIdentityAssociations") or ():
            cluster = addon.inputs["clusterName"]
            yield graph, addon, cluster, "kube-system", each["serviceAccount"], each["roleArn"]


@setting("Cluster", "Every workload has a role of its own")
def own_roles(platform):
    taken = {}
    for _, resource, *who, role in associations(platform):
        assert taken.setdefault(role, who) == who, f"{resource.urn} shares {role}"
        yield resource


@setting("Cluster", "A workload's role trusts one cluster, one namespace and one service account")
def trust(platform):
    for graph, _, cluster, namespace, account, role_arn in associations(platform):
        role = refers_to(graph, role_arn, "aws:iam/role:Role")
        (statement,) = statements(role, "assumeRolePolicy")
        assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}, role.urn
        equal = statement["Condition"]["StringEquals"]
        assert equal["aws:RequestTag/eks-cluster-arn"].endswith(f":cluster/{cluster}"), role.urn
        assert equal["aws:RequestTag/kubernetes-namespace"] == namespace, role.urn
        assert equal["aws:RequestTag/kubernetes-service-account"] == account, role.urn
        yield role


@setting("Cluster", "The network plugin's rights are its own and not the nodes'")
def plugin_rights(platform):
    attachment = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    for _, _, each in platform.in_cells(attachment):
        if each.inputs["policyArn"].endswith("/AmazonEKS_CNI_Policy"):
            assert each.inputs["role"].endswith("-vpc-cni"), each.urn
            yield each


@setting("Cluster", "The network plugin enforces network policies")
def policies_enforced(platform):
    for _, addon in addons(platform, "vpc-cni"):
        values = json.loads(addon.inputs["configurationValues"])
        assert values["enableNetworkPolicy"] == "true", addon.urn
        yield addon


@setting("Cluster", "The network plugin delegates prefixes")
def prefixes(platform):
    for _, addon in addons(platform, "vpc-cni"):
        values = json.loads(addon.inputs["configurationValues"])
        assert values["env"]["ENABLE_PREFIX_DELEGATION"] == "true", addon.urn
        yield addon


@setting("Cluster", "STS, SSM, EC2, EKS, ECR and logs have private endpoints")
def endpoints(platform):
    needed = {"sts", "ssm", "ec2", "eks", "ecr.api", "ecr.dkr", "logs"}
    for cell, graph in platform.cells:
        found = {
            each.inputs["serviceName"].removeprefix(f"com.amazonaws.{cell.region}."): each
            for each in graph.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
            if each.inputs["vpcEndpointType"] == "Interface"
        }
        assert needed <= set(found), f"{graph.stack} lacks {needed - set(found)}"
        for each in found.values():
            assert each.inputs["privateDnsEnabled"] is True, each.urn
            yield each
