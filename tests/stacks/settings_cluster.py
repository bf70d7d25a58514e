"""Cluster: what a reviewer looks for."""

from __future__ import annotations

from settings_platform import has, held, refers_to, setting

CLUSTER = "aws:eks/cluster:Cluster"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"


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


held("Cluster", "The authentication mode is API", "clusters-authenticate-by-api")


held("Cluster", "Whoever creates a cluster gets no rights in it", "creators-get-no-rights")


@setting(
    "Cluster",
    "Access entries name the duties' roles, CI's deployer and nodes, nobody else",
    "access-entries-name-roles",
)
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


held("Cluster", "Developers and auditors may look, and nothing more", "onlookers-only-look")


held("Cluster", "The Kubernetes API has a private endpoint", "cluster-endpoints-are-private")


held("Cluster", "The Kubernetes API has no public endpoint", "cluster-endpoints-are-private")


held(
    "Cluster",
    "Kubernetes secrets are encrypted with the cell's key",
    "cluster-secrets-are-encrypted",
)


held("Cluster", "All five control-plane logs are written", "control-planes-write-all-logs")


held("Cluster", "Control-plane logs are hot for 30 days", "control-plane-logs-are-kept")


@setting(
    "Cluster",
    "Control-plane logs are archived in the locked bucket of the audit account",
    "control-plane-logs-are-archived",
)
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


@setting(
    "Cluster",
    "The version of Kubernetes is pinned to the catalog's",
    "kubernetes-versions-are-pinned",
)
def version(platform):
    for cell, _, cluster in platform.in_cells(CLUSTER):
        yield has(cluster, version=cell.kubernetes.version)
    for cell, _, group in platform.in_cells(NODE_GROUP):
        yield has(group, version=cell.kubernetes.version)


held("Cluster", "Every add-on is pinned to a build", "addons-are-pinned")


@setting(
    "Cluster",
    "Every workload that calls AWS does so by Pod Identity, none by IRSA",
    "workloads-call-aws-by-pod-identity",
)
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


held("Cluster", "Every workload has a role of its own", "workloads-have-roles-of-their-own")


held(
    "Cluster",
    "A workload's role trusts one cluster, one namespace and one service account",
    "workload-roles-trust-one-account",
)


held(
    "Cluster",
    "The network plugin's rights are its own and not the nodes'",
    "nodes-have-no-network-rights",
)


held("Cluster", "The network plugin enforces network policies", "network-policies-are-enforced")


held("Cluster", "The network plugin delegates prefixes", "network-prefixes-are-delegated")


held(
    "Cluster",
    "STS, SSM, EC2, EKS, ECR and logs have private endpoints",
    "nodes-reach-aws-by-private-endpoints",
)
