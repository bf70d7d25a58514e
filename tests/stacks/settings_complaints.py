"""What users of such platforms complain about, as far as a graph shows it."""

from __future__ import annotations

from settings_platform import has, held, setting

held(
    "Complaints",
    "Clusters are in the mode that cannot be left from their first day on",
    "clusters-authenticate-by-api",
)


held(
    "Complaints",
    "No controller makes a load balancer behind Pulumi's back",
    "controllers-make-no-balancers",
)


held(
    "Complaints",
    "The controller cannot make load balancers or security groups: it has no right",
    "controllers-cannot-make-balancers",
)


held(
    "Complaints",
    "Rules that name each other go first, so that security groups can go",
    "rules-go-before-their-groups",
)


held(
    "Complaints",
    "The network goes last: cluster and databases wait for it, and go before it",
    "the-network-goes-last",
)


held(
    "Complaints",
    "Karpenter's nodes may join: their role has an access entry",
    "karpenters-nodes-may-join",
)


held(
    "Complaints",
    "Karpenter's nodes stay with nobody: pools go while the controller still runs",
    "karpenters-nodes-go-with-it",
)


@setting(
    "Complaints",
    "NAT is paid for once where the cell says so, and S3 never goes through it",
    "gateway-endpoints-lead-to-s3-and-dynamodb",
)
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
