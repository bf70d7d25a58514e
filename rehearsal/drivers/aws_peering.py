"""Drivers for peerings of networks: asking for one, accepting it, and its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Step, Subject
from rehearsal.drivers.aws_driver import AwsDriver
from rehearsal.drivers.aws_network import EC2_TAGGING

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver


def _connection(subject: Subject) -> dict[str, Any]:
    return {"VpcPeeringConnectionId": subject.inputs["vpcPeeringConnectionId"]}


def _asked(subject: Subject) -> str:
    # It goes by the id of what it accepts, or is an option of.
    return str(subject.inputs["vpcPeeringConnectionId"])


def _set_options(subject: Subject) -> None:
    for side, name in (
        ("requester", "RequesterPeeringConnectionOptions"),
        ("accepter", "AccepterPeeringConnectionOptions"),
    ):
        wanted = subject.inputs.get(side)
        if wanted is not None:
            allowed = bool(wanted.get("allowRemoteVpcDnsResolution"))
            subject.api.modify_vpc_peering_connection_options(
                **_connection(subject), **{name: {"AllowDnsResolutionFromRemoteVpc": allowed}}
            )


CONNECTION = AwsDriver(
    service="ec2",
    create_by=Call("create_vpc_peering_connection"),
    read_by=Call(
        "describe_vpc_peering_connections", given=lambda s: {"VpcPeeringConnectionIds": [s.id]}
    ),
    delete_by=(
        Call("delete_vpc_peering_connection", given=lambda s: {"VpcPeeringConnectionId": s.id}),
    ),
    id_is="VpcPeeringConnection.VpcPeeringConnectionId",
    outputs_are={"acceptStatus": "VpcPeeringConnections[0].Status.Code"},
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"vpcId", "peerVpcId", "peerOwnerId", "peerRegion"}),
)

ACCEPTER = AwsDriver(
    service="ec2",
    create_by=Call("accept_vpc_peering_connection", takes=("vpcPeeringConnectionId",)),
    id_is=_asked,
    outputs_are={
        "vpcId": "VpcPeeringConnection.AccepterVpcInfo.VpcId",
        "peerVpcId": "VpcPeeringConnection.RequesterVpcInfo.VpcId",
        "acceptStatus": "VpcPeeringConnection.Status.Code",
    },
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"vpcPeeringConnectionId"}),
    # Without it the provider would only look whether somebody has accepted.
    steering=frozenset({"autoAccept"}),
)

OPTIONS = AwsDriver(
    service="ec2",
    create_by=Call(
        "describe_vpc_peering_connections",
        given=lambda s: {"VpcPeeringConnectionIds": [_asked(s)]},
        takes=("vpcPeeringConnectionId",),
        reshape=lambda _: {},
    ),
    updates=(Step({"requester", "accepter"}, _set_options),),
    id_is=_asked,
    replaced_by=frozenset({"vpcPeeringConnectionId"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:ec2/vpcPeeringConnection:VpcPeeringConnection": CONNECTION,
    "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter": ACCEPTER,
    "aws:ec2/peeringConnectionOptions:PeeringConnectionOptions": OPTIONS,
}
