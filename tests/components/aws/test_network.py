"""A cell's network, read off the graph."""

import pytest
from foundations import (
    ACCOUNT,
    KEY,
    REGION,
    ZONES,
    assert_ec2_takes_every_description,
    assert_the_same_resources_without_known_outputs,
    evaluate,
    statements,
)

from catalog.cell import CellNetwork
from components.aws.endpoints import services
from components.aws.network import Network

CLUSTER = "acme-prod-eu-west-1"


def network(nat="per-zone", zones=ZONES, endpoints="full"):
    def declare(opts):
        return Network(
            "network",
            CellNetwork(cidr="10.64.0.0/16", nat=nat, endpoints=endpoints),
            zones=zones,
            region=REGION,
            key_arn=KEY,
            log_retention_days=30,
            cluster_name=CLUSTER,
            opts=opts,
        )

    return declare


@pytest.fixture(scope="module")
def graph():
    return evaluate(network())


def subnets(graph, tier):
    return [
        subnet
        for subnet in graph.of_type("aws:ec2/subnet:Subnet")
        if subnet.name.startswith(f"network-{tier}-")
    ]


@pytest.mark.parametrize("tier", ["public", "private", "isolated"])
def test_each_zone_has_a_subnet_that_gives_no_public_address(graph, tier):
    found = subnets(graph, tier)
    assert [subnet.inputs["availabilityZone"] for subnet in found] == list(ZONES)
    assert {subnet.inputs["mapPublicIpOnLaunch"] for subnet in found} == {False}
    assert all(subnet.inputs["tags"]["Name"].startswith(tier) for subnet in found)


def test_nodes_find_the_private_subnets_by_their_tags(graph):
    for subnet in subnets(graph, "private"):
        assert subnet.inputs["tags"]["karpenter.sh/discovery"] == CLUSTER
        assert subnet.inputs["tags"]["kubernetes.io/role/internal-elb"] == "1"
    for subnet in subnets(graph, "public") + subnets(graph, "isolated"):
        assert "karpenter.sh/discovery" not in subnet.inputs["tags"]


def test_only_public_subnets_have_a_route_to_the_internet_gateway(graph):
    (route,) = [
        r for r in graph.of_type("aws:ec2/route:Route") if r.inputs.get("gatewayId") is not None
    ]
    tables = {
        association.inputs["subnetId"]: association.inputs["routeTableId"]
        for association in graph.of_type("aws:ec2/routeTableAssociation:RouteTableAssociation")
    }
    assert {
        subnet for subnet, table in tables.items() if table == route.inputs["routeTableId"]
    } == {subnet.id for subnet in subnets(graph, "public")}
    assert len(tables) == 9


def test_isolated_subnets_have_no_route_of_their_own(graph):
    isolated = graph.named("network-isolated-routes", "aws:ec2/routeTable:RouteTable").id
    assert isolated not in [
        route.inputs["routeTableId"] for route in graph.of_type("aws:ec2/route:Route")
    ]
    endpoints = graph.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
    assert all(isolated not in endpoint.inputs.get("routeTableIds", ()) for endpoint in endpoints)


def nat_by_private_table(graph):
    return {
        route.inputs["routeTableId"]: route.inputs["natGatewayId"]
        for route in graph.of_type("aws:ec2/route:Route")
        if route.inputs.get("natGatewayId") is not None
    }


def test_nat_per_zone_survives_the_loss_of_a_zone(graph):
    gateways = graph.of_type("aws:ec2/natGateway:NatGateway")
    assert [gateway.inputs["subnetId"] for gateway in gateways] == [
        subnet.id for subnet in subnets(graph, "public")
    ]
    assert len(set(nat_by_private_table(graph).values())) == 3


def test_a_single_nat_gateway_serves_every_zone():
    graph = evaluate(network(nat="single"))
    (gateway,) = graph.of_type("aws:ec2/natGateway:NatGateway")
    assert len(graph.of_type("aws:ec2/eip:Eip")) == 1
    assert len(nat_by_private_table(graph)) == 3
    assert set(nat_by_private_table(graph).values()) == {gateway.id}


def test_more_nat_gateways_leave_subnets_and_tables_alone():
    single, per_zone = evaluate(network(nat="single")), evaluate(network())
    assert set(single.resources) < set(per_zone.resources)


def test_two_zones_are_enough():
    graph = evaluate(network(zones=ZONES[:2]))
    assert len(graph.of_type("aws:ec2/subnet:Subnet")) == 6


def test_nat_gateways_wait_for_the_internet_gateway(graph):
    internet = graph.named("network-internet").urn
    for gateway in graph.of_type("aws:ec2/natGateway:NatGateway"):
        assert internet in gateway.dependencies


def test_the_default_security_group_is_empty(graph):
    (group,) = graph.of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert not group.inputs.get("ingress")
    assert not group.inputs.get("egress")


def test_all_traffic_is_logged_to_an_encrypted_group_that_expires(graph):
    (log,) = graph.of_type("aws:ec2/flowLog:FlowLog")
    group = graph.named("network-flow-logs-log")
    assert log.inputs["trafficType"] == "ALL"
    assert log.inputs["logDestination"] == group.outputs["arn"]
    assert "${pkt-srcaddr}" in log.inputs["logFormat"]
    assert group.inputs["kmsKeyId"] == KEY
    assert group.inputs["retentionInDays"] == 30


def test_flow_logs_may_write_their_own_group_only(graph):
    group = graph.named("network-flow-logs-log").outputs["arn"]
    (write,) = statements(graph.named("network-flow-logs-write")).values()
    assert write["Resource"] == [group, f"{group}:*"]
    role = graph.named("network-flow-logs-role")
    trust = statements(role, "assumeRolePolicy")["FlowLogsOfThisAccount"]
    assert "aws:SourceAccount" in trust["Condition"]["StringEquals"]
    assert role.outputs["arn"] == f"arn:aws:iam::{ACCOUNT}:role/{CLUSTER}-flow-logs"


def test_s3_and_dynamodb_are_reached_from_private_subnets_without_nat(graph):
    tables = {f"network-private-{zone[-1]}-routes" for zone in ZONES}
    ids = {graph.named(table, "aws:ec2/routeTable:RouteTable").id for table in tables}
    for service in ("s3", "dynamodb"):
        endpoint = graph.named(f"network-endpoints-{service}")
        assert endpoint.inputs["vpcEndpointType"] == "Gateway"
        assert set(endpoint.inputs["routeTableIds"]) == ids


@pytest.mark.parametrize("service", services("full"))
def test_each_service_that_a_cell_calls_has_a_private_endpoint_in_every_zone(graph, service):
    endpoint = graph.named(f"network-endpoints-{service}")
    assert endpoint.inputs["serviceName"] == f"com.amazonaws.{REGION}.{service}"
    assert endpoint.inputs["privateDnsEnabled"] is True
    assert endpoint.inputs["subnetIds"] == [subnet.id for subnet in subnets(graph, "private")]


@pytest.mark.parametrize("choice", ["full", "essential"])
def test_nodes_start_without_the_internet_whatever_a_cell_pays_for(choice):
    needed = {"sts", "ssm", "ec2", "eks", "eks-auth", "ecr.api", "ecr.dkr", "logs"}
    assert needed <= set(services(choice))
    # Without one, the agent has no way; and the job that prepares databases may go nowhere else.
    assert {"guardduty-data", "secretsmanager"} <= set(services(choice))


def test_essential_endpoints_are_fewer_and_stand_in_one_zone_only(graph):
    cheap = evaluate(network(endpoints="essential"))
    assert set(cheap.resources) < set(graph.resources)
    first = subnets(cheap, "private")[0].id
    declared = [
        endpoint
        for endpoint in cheap.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
        if endpoint.inputs["vpcEndpointType"] == "Interface"
    ]
    assert len(declared) == len(services("essential"))
    assert {tuple(endpoint.inputs["subnetIds"]) for endpoint in declared} == {(first,)}


def test_only_the_account_itself_reports_to_its_guardduty(graph):
    (statement,) = statements(graph.named("network-endpoints-guardduty-data")).values()
    vpc = graph.named("network-vpc")
    assert statement["Effect"] == "Allow"
    assert statement["Condition"] == {
        "StringEquals": {"aws:PrincipalAccount": vpc.outputs["ownerId"]}
    }


def test_only_the_cells_own_range_reaches_the_endpoints(graph):
    (rule,) = graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    assert rule.inputs["cidrIpv4"] == "10.64.0.0/16"
    assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (443, 443)
    assert not graph.of_type("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")


def test_a_range_that_is_too_small_is_refused_before_anything_is_declared():
    def declare(opts):
        Network(
            "network",
            CellNetwork(cidr="10.0.0.0/24"),
            zones=ZONES,
            region=REGION,
            key_arn=KEY,
            log_retention_days=30,
            cluster_name=CLUSTER,
            opts=opts,
        )

    with pytest.raises(Exception, match="a /20 at least"):
        evaluate(declare)


def test_the_resources_do_not_hang_on_what_is_unknown():
    assert_the_same_resources_without_known_outputs(network())


def test_security_groups_are_described_in_characters_that_ec2_takes(graph):
    assert_ec2_takes_every_description(graph)
