"""Drivers for route tables, routes and which subnets they serve."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Step, Subject
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.drivers.base import Driver

from rehearsal.drivers.aws_network import EC2_TAGGING

_DESTINATIONS = {
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
_TARGETS = {
    "gatewayId": "GatewayId",
    "natGatewayId": "NatGatewayId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
    "networkInterfaceId": "NetworkInterfaceId",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
}


def _destination(route: Mapping[str, Any]) -> dict[str, Any]:
    return {api: route[ours] for ours, api in _DESTINATIONS.items() if route.get(ours)}


def _inline_routes(subject: Subject) -> None:
    before, after = subject.before.get("routes") or [], subject.inputs.get("routes") or []
    for route in before:
        if route not in after:
            subject.api.delete_route(RouteTableId=subject.id, **_destination(route))
    for route in after:
        if route not in before:
            target = {api: route[ours] for ours, api in _TARGETS.items() if route.get(ours)}
            subject.api.create_route(RouteTableId=subject.id, **_destination(route), **target)


ROUTE_TABLE = AwsDriver(
    service="ec2",
    create_by=Call("create_route_table", takes=("vpcId",)),
    updates=(Step({"routes"}, _inline_routes),),
    delete_by=(Call("delete_route_table", given=lambda s: {"RouteTableId": s.id}),),
    id_is="RouteTable.RouteTableId",
    outputs_are={
        "arn": lambda s: s.arn("ec2", f"route-table/{s.id}"),
        "ownerId": lambda s: s.cloud.account,
    },
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"vpcId"}),
)


def _route_id(subject: Subject) -> str:
    (destination,) = _destination(subject.inputs).values()
    return f"r-{subject.inputs['routeTableId']}{zlib.crc32(destination.encode())}"


def _replace_route(subject: Subject) -> None:
    target = {
        api: subject.inputs[ours] for ours, api in _TARGETS.items() if subject.inputs.get(ours)
    }
    subject.api.replace_route(
        RouteTableId=subject.inputs["routeTableId"], **_destination(subject.inputs), **target
    )


def _delete_route(subject: Subject) -> None:
    subject.api.delete_route(
        RouteTableId=subject.inputs["routeTableId"], **_destination(subject.inputs)
    )


ROUTE = AwsDriver(
    service="ec2",
    create_by=Call("create_route", rename={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"}),
    updates=(Step(set(_TARGETS), _replace_route),),
    delete_by=(_delete_route,),
    id_is=_route_id,
    outputs_are={"origin": lambda _: "CreateRoute", "state": lambda _: "active"},
    replaced_by=frozenset({"routeTableId", *_DESTINATIONS}),
)


def _association(subject: Subject) -> str:
    # The association gets a new id each time it is moved to another table.
    return str(subject.outputs.get("associationId") or subject.id)


def _move_association(subject: Subject) -> None:
    subject.outputs = {
        "associationId": subject.api.replace_route_table_association(
            AssociationId=_association(subject), RouteTableId=subject.inputs["routeTableId"]
        )["NewAssociationId"]
    }


ROUTE_TABLE_ASSOCIATION = AwsDriver(
    service="ec2",
    create_by=Call("associate_route_table"),
    updates=(Step({"routeTableId"}, _move_association),),
    delete_by=(
        Call("disassociate_route_table", given=lambda s: {"AssociationId": _association(s)}),
    ),
    id_is="AssociationId",
    outputs_are={"associationId": _association},
    replaced_by=frozenset({"subnetId", "gatewayId"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:ec2/routeTable:RouteTable": ROUTE_TABLE,
    "aws:ec2/route:Route": ROUTE,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ROUTE_TABLE_ASSOCIATION,
}
