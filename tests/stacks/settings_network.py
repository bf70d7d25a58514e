"""Network: what a reviewer looks for."""

from __future__ import annotations

import ipaddress

from settings_platform import held, refers_to, setting

SUBNET = "aws:ec2/subnet:Subnet"


def subnets(graph, kind):
    return [each for each in graph.of_type(SUBNET) if each.name.startswith(f"network-{kind}-")]


def routes(graph, subnet):
    """The routes out of a subnet's VPC, by way of its route table."""
    (association,) = [
        each
        for each in graph.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
        if each.inputs["subnetId"] == subnet.id
        or graph.placeholders.get(each.inputs["subnetId"], ("",))[0] == subnet.urn
    ]
    table = association.inputs["routeTableId"]
    return [
        each
        for each in graph.of_type("aws:ec2/route:Route")
        if each.inputs["routeTableId"] == table
    ]


held(
    "Network",
    "Subnets of every kind lie in every zone, three zones in production",
    "subnets-lie-in-every-zone",
)


held(
    "Network",
    "Nodes are in private subnets, from which the way out is a NAT gateway",
    "nodes-are-in-private-subnets",
)


@setting(
    "Network",
    "Databases are in isolated subnets, from which no way leads out",
    "databases-are-in-isolated-subnets",
)
def isolated(platform):
    for graph, group in platform.everywhere("aws:rds/subnetGroup:SubnetGroup"):
        for value in group.inputs["subnetIds"]:
            subnet = refers_to(graph, value, SUBNET, platform)
            assert subnet.name.startswith("network-isolated-"), group.urn
        yield group
    for _, graph in platform.cells:
        for subnet in subnets(graph, "isolated"):
            assert routes(graph, subnet) == [], subnet.urn


held(
    "Network",
    "Public subnets hold load balancers and NAT gateways only",
    "public-subnets-hold-balancers-only",
)


@setting(
    "Network",
    "A NAT gateway per zone or a single one, as the cell chooses",
    "production-has-a-nat-gateway-per-zone",
)
def nat(platform):
    for cell, graph in platform.cells:
        gateways = graph.of_type("aws:ec2/natGateway:NatGateway")
        expected = len(cell.zones) if cell.network.nat == "per-zone" else 1
        assert len(gateways) == expected, graph.stack
        homes = [refers_to(graph, each.inputs["subnetId"], SUBNET) for each in gateways]
        assert len({home.inputs["availabilityZone"] for home in homes}) == expected, graph.stack
        assert all(home.name.startswith("network-public-") for home in homes), graph.stack
        assert cell.environment != "prod" or cell.network.nat == "per-zone", graph.stack
        yield from gateways


held("Network", "Flow logs record all traffic", "flow-logs-record-everything")


held("Network", "The default security group is empty", "default-security-groups-are-empty")


held(
    "Network",
    "S3 and DynamoDB are reached through gateway endpoints",
    "gateway-endpoints-lead-to-s3-and-dynamodb",
)


@setting(
    "Network",
    "No two cells' networks overlap, nor any with the VPN's",
    "networks-are-private-and-apart",
)
def apart(platform):
    taken = [ipaddress.ip_network(platform.catalog.organization.networks.vpn)]
    for _, _, vpc in platform.in_cells("aws:ec2/vpc:Vpc"):
        network = ipaddress.ip_network(vpc.inputs["cidrBlock"])
        assert not any(network.overlaps(other) for other in taken), vpc.urn
        taken.append(network)
        yield vpc


held(
    "Network",
    "Nothing is open to the world but listeners that are public with a reason",
    "nothing-is-open-to-the-world",
)


held("Network", "Logs of the network are encrypted with the cell's key", "log-groups-are-encrypted")
