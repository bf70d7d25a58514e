"""What users of such platforms complain about, as far as a graph shows it."""

from __future__ import annotations

from settings_platform import awaited, has, refers_to, setting

NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"


@setting("Complaints", "Clusters are in the mode that cannot be left from their first day on")
def mode(platform):
    for _, _, cluster in platform.in_cells("aws:eks/cluster:Cluster"):
        assert cluster.inputs["accessConfig"] == {
            "authenticationMode": "API",
            "bootstrapClusterCreatorAdminPermissions": False,
        }, cluster.urn
        for graph in platform.graphs.values():
            for config in graph.of_type("kubernetes:core/v1:ConfigMap"):
                assert config.inputs["metadata"]["name"] != "aws-auth", config.urn
        yield cluster


@setting("Complaints", "No controller makes a load balancer behind Pulumi's back")
def load_balancers(platform):
    for graph in platform.graphs.values():
        for resource in graph.resources.values():
            assert not resource.type.endswith((":Ingress", ":IngressClass")), resource.urn
            if resource.type == "kubernetes:core/v1:Service":
                assert resource.inputs["spec"]["type"] == "ClusterIP", resource.urn
    for _, graph in platform.cells:
        release = graph.named("services-load-balancers-release")
        values = release.inputs["values"]
        assert values["controllerConfig"]["featureGates"] == {"EnableServiceController": False}
        assert values["createIngressClassResource"] is False, release.urn
        yield release
    for _, _, _, quota in platform.in_tenants("kubernetes:core/v1:ResourceQuota"):
        hard = quota.inputs["spec"]["hard"]
        assert (hard["services.loadbalancers"], hard["services.nodeports"]) == ("0", "0"), quota.urn
        yield quota


@setting(
    "Complaints", "The controller cannot make load balancers or security groups: it has no right"
)
def controller_rights(platform):
    for _, graph in platform.cells:
        policy = graph.named("services-load-balancers-identity-policy")
        text = policy.inputs["policy"]
        for action in ("CreateLoadBalancer", "CreateSecurityGroup", "CreateTargetGroup"):
            assert action not in text, f"{policy.urn}: {action}"
        yield policy


@setting("Complaints", "Rules that name each other go first, so that security groups can go")
def revoked(platform):
    for _, graph in platform.cells:
        for part in ("control-plane", "nodes", "load-balancers"):
            yield has(graph.named(f"cluster-security-groups-{part}"), revokeRulesOnDelete=True)
    for tenant, cell, graph in platform.tenants:
        yield has(graph.named(f"{tenant.name}-{cell.name}-ingress-group"), revokeRulesOnDelete=True)


@setting("Complaints", "The network goes last: cluster and databases wait for it, and go before it")
def network_last(platform):
    for _, graph, cluster in platform.in_cells("aws:eks/cluster:Cluster"):
        before = awaited(graph, cluster.urn)
        for value in cluster.inputs["vpcConfig"]["subnetIds"]:
            subnet = refers_to(graph, value, "aws:ec2/subnet:Subnet")
            assert subnet.urn in before, f"{cluster.urn} does not wait for {subnet.name}"
        yield cluster


@setting("Complaints", "Karpenter's nodes may join: their role has an access entry")
def may_join(platform):
    for _, graph in platform.cells:
        role = graph.named("services-karpenter-foundation-nodes-role")
        entry = graph.named("services-karpenter-foundation-nodes-entry")
        yield has(entry, type="EC2_LINUX", principalArn=role.outputs["arn"])
        pools = graph.of_type(NODE_POOL)
        for pool in pools:
            assert entry.urn in awaited(graph, pool.urn), pool.urn


@setting(
    "Complaints", "Karpenter's nodes stay with nobody: pools go while the controller still runs"
)
def left_behind(platform):
    for _, graph, pool in platform.in_cells(NODE_POOL):
        release = graph.named("services-karpenter-release")
        assert release.urn in awaited(graph, pool.urn), pool.urn
        assert pool.inputs["spec"]["template"]["spec"]["terminationGracePeriod"], pool.urn
        yield pool


@setting("Complaints", "NAT is paid for once where the cell says so, and S3 never goes through it")
def nat_bills(platform):
    for cell, graph in platform.cells:
        gateways = graph.of_type("aws:ec2/natGateway:NatGateway")
        if cell.network.nat == "single":
            assert len(gateways) == 1, graph.stack
            routes = graph.of_type("aws:ec2/route:Route")
            through = {
                each.inputs["natGatewayId"] for each in routes if "natGatewayId" in each.inputs
            }
            assert len(through) == 1, graph.stack
        yield has(graph.named("network-endpoints-s3"), vpcEndpointType="Gateway")
