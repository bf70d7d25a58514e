"""Network: what a reviewer looks for."""

from __future__ import annotations

import ipaddress

from settings_platform import encrypted_by_own_key, has, refers_to, setting

SUBNET = "aws:ec2/subnet:Subnet"
WORLD = ("0.0.0.0/0", "::/0")
SOURCES = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")


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


@setting("Network", "Subnets of every kind lie in every zone, three zones in production")
def zones(platform):
    for cell, graph in platform.cells:
        assert cell.environment != "prod" or len(cell.zones) == 3, graph.stack
        for kind in ("public", "private", "isolated"):
            found = subnets(graph, kind)
            placed = [each.inputs["availabilityZone"] for each in found]
            assert sorted(placed) == sorted(cell.zones), f"{graph.stack}: {kind}"
            yield from found


@setting("Network", "Nodes are in private subnets, from which the way out is a NAT gateway")
def private(platform):
    for cell, graph, group in platform.in_cells("aws:eks/nodeGroup:NodeGroup"):
        for value in group.inputs["subnetIds"]:
            subnet = refers_to(graph, value, SUBNET)
            assert subnet.name.startswith("network-private-"), group.urn
            has(subnet, mapPublicIpOnLaunch=False)
            (route,) = routes(graph, subnet)
            assert route.inputs.get("natGatewayId"), f"{cell.name}: {route.urn}"
            yield subnet
    for _, graph, made in platform.in_cells("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"):
        for term in made.inputs["spec"]["subnetSelectorTerms"]:
            subnet = refers_to(graph, term["id"], SUBNET)
            assert subnet.name.startswith("network-private-"), made.urn
        assert made.inputs["spec"]["associatePublicIPAddress"] is False, made.urn
        yield made


@setting("Network", "Databases are in isolated subnets, from which no way leads out")
def isolated(platform):
    for graph, group in platform.everywhere("aws:rds/subnetGroup:SubnetGroup"):
        for value in group.inputs["subnetIds"]:
            subnet = refers_to(graph, value, SUBNET, platform)
            assert subnet.name.startswith("network-isolated-"), group.urn
        yield group
    for _, graph in platform.cells:
        for subnet in subnets(graph, "isolated"):
            assert routes(graph, subnet) == [], subnet.urn


@setting("Network", "Public subnets hold load balancers and NAT gateways only")
def public(platform):
    for _, graph in platform.cells:
        public_ids = {subnet.id for subnet in subnets(graph, "public")} | {
            text
            for text, (urn, output) in graph.placeholders.items()
            if output == "id" and "::network-public-" in urn and "Subnet" in urn
        }
        for each in platform.graphs.values():
            if each.stack != graph.stack and not each.stack.startswith("tenant."):
                continue
            for resource in each.resources.values():
                keys = ("subnetId", "subnetIds", "subnets", "vpcConfig")
                used = repr([resource.inputs.get(key) for key in keys])
                if any(f"'{subnet}'" in used for subnet in public_ids - {None}):
                    assert resource.type in {
                        "aws:ec2/natGateway:NatGateway",
                        "aws:ec2/routeTableAssociation:RouteTableAssociation",
                        "aws:lb/loadBalancer:LoadBalancer",
                    }, resource.urn
        for subnet in subnets(graph, "public"):
            yield has(subnet, mapPublicIpOnLaunch=False)


@setting("Network", "A NAT gateway per zone or a single one, as the cell chooses")
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


@setting("Network", "Flow logs record all traffic")
def flow_logs(platform):
    for _, graph, log in platform.in_cells("aws:ec2/flowLog:FlowLog"):
        refers_to(graph, log.inputs["vpcId"], "aws:ec2/vpc:Vpc")
        yield has(log, trafficType="ALL")


@setting("Network", "The default security group is empty")
def default_group(platform):
    default = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
    for _, graph, group in platform.in_cells(default):
        refers_to(graph, group.inputs["vpcId"], "aws:ec2/vpc:Vpc")
        yield has(group, ingress=[], egress=[])


@setting("Network", "S3 and DynamoDB are reached through gateway endpoints")
def gateways(platform):
    for cell, graph in platform.cells:
        tables = {
            association.inputs["routeTableId"]
            for association in graph.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
            if "-private-" in association.name
        }
        for service in ("s3", "dynamodb"):
            (endpoint,) = [
                each
                for each in graph.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
                if each.inputs["serviceName"] == f"com.amazonaws.{cell.region}.{service}"
            ]
            assert set(endpoint.inputs["routeTableIds"]) == tables, endpoint.urn
            yield has(endpoint, vpcEndpointType="Gateway")


@setting("Network", "No two cells' networks overlap, nor any with the VPN's")
def apart(platform):
    taken = [ipaddress.ip_network(platform.catalog.organization.networks.vpn)]
    for _, _, vpc in platform.in_cells("aws:ec2/vpc:Vpc"):
        network = ipaddress.ip_network(vpc.inputs["cidrBlock"])
        assert not any(network.overlaps(other) for other in taken), vpc.urn
        taken.append(network)
        yield vpc


@setting("Network", "Nothing is open to the world but listeners that are public with a reason")
def world(platform):
    rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    for _, each in platform.everywhere(rule):
        given = {each.inputs.get(key) for key in SOURCES} - {None}
        assert len(given) == 1, each.urn
        assert not given & set(WORLD), each.urn
        yield each
    for graph in platform.graphs.values():
        for group in graph.of_type("aws:ec2/securityGroup:SecurityGroup"):
            assert not group.inputs.get("ingress"), f"{group.urn} has rules inside"
    for _, each in platform.everywhere("aws:ec2/managedPrefixList:ManagedPrefixList"):
        for entry in each.inputs["entries"]:
            if entry["cidr"] in WORLD:
                assert "(public: " in entry["description"], each.urn
        yield each


@setting("Network", "Logs of the network are encrypted with the cell's key")
def log_groups(platform):
    for _, graph, group in platform.in_cells("aws:cloudwatch/logGroup:LogGroup"):
        yield encrypted_by_own_key(graph, group, "kmsKeyId", group.inputs.get("kmsKeyId"))
