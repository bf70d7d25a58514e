"""What the picture of a cell shows, read from the graphs of the cell and of one tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.values import reveal

if TYPE_CHECKING:
    from rehearsal.graph import Graph, Resource

TIERS = ("public", "private", "isolated")


@dataclass(frozen=True)
class Database:
    """A database cluster and where its instances are."""

    name: str
    engine_version: str
    size: str
    roles: dict[str, list[str]]
    """By zone: `writer` or `reader` for each instance there."""


@dataclass(frozen=True)
class CellFacts:
    """The parts of a cell and of a tenant in it."""

    region: str
    network: str
    subnets: dict[str, dict[str, str]]
    """Ranges by tier, then by zone."""
    nat_zones: set[str]
    kubernetes: str
    api_is_private: bool
    system_nodes: dict[str, str]
    """By zone: instance types and numbers."""
    node_pools: list[str]
    vpn_clients: str
    vpn_groups: list[str]
    runners: str
    databases: list[Database]
    vault: str
    copies: str
    copies_region: str
    endpoints: int
    namespace: str
    hostnames: list[str]
    allowed_networks: int
    balancer_zones: set[str]
    firewall_rules: int
    services: list[str]
    public_services: list[str]
    tenant_databases: list[Database]
    roles: int


def facts(cell: Graph, tenant: Graph) -> CellFacts:
    """The facts of a cell and of a tenant whose only slice is in it."""
    name = cell.stack.partition(".")[2]
    vpc = only(cell, "aws:ec2/vpc:Vpc")
    subnets = {resource.name: resource for resource in cell.of_type("aws:ec2/subnet:Subnet")}
    zones = {
        str(resource.id): str(resource.inputs["availabilityZone"]) for resource in subnets.values()
    }
    cluster = only(cell, "aws:eks/cluster:Cluster")
    endpoint = only(cell, "aws:ec2clientvpn/endpoint:Endpoint")
    balancer = only(tenant, "aws:lb/loadBalancer:LoadBalancer")
    copies = cell.named("backups-copies")
    namespace = only(tenant, "kubernetes:core/v1:Namespace")
    deployed = [
        r.inputs["metadata"]["name"] for r in tenant.of_type("kubernetes:apps/v1:Deployment")
    ]
    return CellFacts(
        region=str(setting(cell, vpc, "region")),
        network=str(vpc.inputs["cidrBlock"]),
        subnets={
            tier: {
                zones[str(r.id)]: str(r.inputs["cidrBlock"])
                for subnet, r in subnets.items()
                if f"-{tier}-" in subnet
            }
            for tier in TIERS
        },
        nat_zones={
            zones[r.inputs["subnetId"]] for r in cell.of_type("aws:ec2/natGateway:NatGateway")
        },
        kubernetes=str(cluster.inputs["version"]),
        api_is_private=not cluster.inputs["vpcConfig"]["endpointPublicAccess"],
        system_nodes={
            zones[r.inputs["subnetIds"][0]]: nodes(r)
            for r in cell.of_type("aws:eks/nodeGroup:NodeGroup")
        },
        node_pools=sorted(
            r.inputs["metadata"]["name"]
            for r in cell.of_type("kubernetes:karpenter.sh/v1:NodePool")
        ),
        vpn_clients=str(endpoint.inputs["clientCidrBlock"]),
        vpn_groups=sorted(
            r.inputs["accessGroupId"].partition("@")[0]
            for r in cell.of_type("aws:ec2clientvpn/authorizationRule:AuthorizationRule")
        ),
        runners=str(only(cell, "aws:codebuild/project:Project").inputs["name"]),
        databases=databases(cell, name),
        vault=str(cell.named("backups-vault").inputs["name"]),
        copies=str(copies.inputs["name"]),
        copies_region=str(setting(cell, copies, "region")),
        endpoints=len(cell.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")),
        namespace=namespace.inputs["metadata"]["name"],
        hostnames=sorted(
            r.inputs["name"]
            for r in tenant.of_type("aws:route53/record:Record")
            if "-route-" in r.name
        ),
        allowed_networks=sum(
            len(r.inputs["addresses"]) for r in tenant.of_type("aws:wafv2/ipSet:IpSet")
        ),
        balancer_zones={zones[subnet] for subnet in balancer.inputs["subnets"]},
        firewall_rules=len(only(tenant, "aws:wafv2/webAcl:WebAcl").inputs["rules"]),
        services=[name for name in deployed if name != "pooler"],
        public_services=[
            r.inputs["spec"]["serviceRef"]["name"]
            for r in tenant.of_type("kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding")
        ],
        tenant_databases=databases(tenant, name),
        roles=len(tenant.of_type("aws:iam/role:Role")),
    )


def only(graph: Graph, type: str) -> Resource:
    """The one resource of a type."""
    (resource,) = graph.of_type(type)
    return resource


def setting(graph: Graph, resource: Resource, name: str) -> Any:
    """A setting of the provider that a resource is made through."""
    if resource.provider is None:
        raise LookupError(f"{resource.urn} has no provider of its own")
    return reveal(graph.resources[resource.provider].inputs[name])


def nodes(group: Resource) -> str:
    """A node group in words."""
    scaling = group.inputs["scalingConfig"]
    types = "/".join(group.inputs["instanceTypes"])
    return f"{types}, {scaling['minSize']:g} to {scaling['maxSize']:g}"


def databases(graph: Graph, cell: str) -> list[Database]:
    """Every database cluster of a graph, by its name inside the cell."""
    found = []
    for cluster in graph.of_type("aws:rds/cluster:Cluster"):
        identifier = cluster.inputs["clusterIdentifier"]
        instances = [
            r
            for r in graph.of_type("aws:rds/clusterInstance:ClusterInstance")
            if r.inputs["clusterIdentifier"] == identifier
        ]
        roles: dict[str, list[str]] = {}
        for instance in sorted(instances, key=lambda r: r.inputs["promotionTier"]):
            role = "reader" if instance.inputs["promotionTier"] else "writer"
            roles.setdefault(instance.inputs["availabilityZone"], []).append(role)
        scaling = cluster.inputs.get("serverlessv2ScalingConfiguration")
        found.append(
            Database(
                name=identifier.removeprefix(f"{cell}-"),
                engine_version=cluster.inputs["engineVersion"],
                size=f"{scaling['minCapacity']:g} to {scaling['maxCapacity']:g} ACU"
                if scaling
                else instances[0].inputs["instanceClass"],
                roles=roles,
            )
        )
    return found
