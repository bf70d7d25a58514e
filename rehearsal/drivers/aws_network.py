"""Drivers for VPCs, subnets, gateways, endpoints and flow logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging
from rehearsal.drivers.aws_driver import AwsDriver

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver

EC2_TAGGING = Tagging("create_tags", "delete_tags", lambda s: {"Resources": [s.id]})


def _attribute(operation: str, identifier: str, name: str) -> Call:
    # EC2 changes one attribute a call.
    return Call(operation, given=lambda s: {identifier: s.id}, takes=(name,))


def _main_route_table(subject: Subject) -> Any:
    tables = subject.api.describe_route_tables(
        Filters=[
            {"Name": "vpc-id", "Values": [subject.id]},
            {"Name": "association.main", "Values": ["true"]},
        ]
    )["RouteTables"]
    return tables[0]["RouteTableId"] if tables else None


def _default(subject: Subject, operation: str, group: str, identifier: str) -> Any:
    found = getattr(subject.api, operation)(
        Filters=[
            {"Name": "vpc-id", "Values": [subject.id]},
            {"Name": "default", "Values": ["true"]}
            if operation == "describe_network_acls"
            else {"Name": "group-name", "Values": ["default"]},
        ]
    )[group]
    return found[0][identifier] if found else None


VPC = AwsDriver(
    service="ec2",
    create_by=Call(
        "create_vpc", rename={"assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock"}
    ),
    read_by=Call("describe_vpcs", given=lambda s: {"VpcIds": [s.id]}),
    updates=tuple(
        _attribute("modify_vpc_attribute", "VpcId", name)
        for name in ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics")
    ),
    delete_by=(Call("delete_vpc", given=lambda s: {"VpcId": s.id}),),
    id_is="Vpc.VpcId",
    outputs_are={
        "arn": lambda s: s.arn("ec2", f"vpc/{s.id}"),
        "ownerId": lambda s: s.cloud.account,
        "cidrBlock": "Vpcs[0].CidrBlock",
        "dhcpOptionsId": "Vpcs[0].DhcpOptionsId",
        "mainRouteTableId": _main_route_table,
        "defaultRouteTableId": _main_route_table,
        "defaultSecurityGroupId": lambda s: _default(
            s, "describe_security_groups", "SecurityGroups", "GroupId"
        ),
        "defaultNetworkAclId": lambda s: _default(
            s, "describe_network_acls", "NetworkAcls", "NetworkAclId"
        ),
    },
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"cidrBlock", "instanceTenancy", "ipv4IpamPoolId", "ipv4NetmaskLength"}),
)

SUBNET = AwsDriver(
    service="ec2",
    create_by=Call("create_subnet"),
    read_by=Call("describe_subnets", given=lambda s: {"SubnetIds": [s.id]}),
    updates=tuple(
        _attribute("modify_subnet_attribute", "SubnetId", name)
        for name in (
            "mapPublicIpOnLaunch",
            "assignIpv6AddressOnCreation",
            "enableDns64",
            "privateDnsHostnameTypeOnLaunch",
            "enableResourceNameDnsARecordOnLaunch",
            "enableResourceNameDnsAaaaRecordOnLaunch",
        )
    ),
    delete_by=(Call("delete_subnet", given=lambda s: {"SubnetId": s.id}),),
    id_is="Subnet.SubnetId",
    outputs_are={
        "arn": "Subnets[0].SubnetArn",
        "ownerId": "Subnets[0].OwnerId",
        "availabilityZone": "Subnets[0].AvailabilityZone",
        "availabilityZoneId": "Subnets[0].AvailabilityZoneId",
    },
    tagging=EC2_TAGGING,
    replaced_by=frozenset(
        {"vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId", "outpostArn", "ipv6Native"}
    ),
)


def _attach(subject: Subject) -> None:
    before, after = subject.before.get("vpcId"), subject.inputs.get("vpcId")
    if before is not None:
        subject.api.detach_internet_gateway(InternetGatewayId=subject.id, VpcId=before)
    if after is not None:
        subject.api.attach_internet_gateway(InternetGatewayId=subject.id, VpcId=after)


def _detach(subject: Subject) -> None:
    if subject.inputs.get("vpcId") is not None:
        subject.api.detach_internet_gateway(
            InternetGatewayId=subject.id, VpcId=subject.inputs["vpcId"]
        )


INTERNET_GATEWAY = AwsDriver(
    service="ec2",
    create_by=Call("create_internet_gateway"),
    updates=(Step({"vpcId"}, _attach),),
    delete_by=(
        _detach,
        Call("delete_internet_gateway", given=lambda s: {"InternetGatewayId": s.id}),
    ),
    id_is="InternetGateway.InternetGatewayId",
    outputs_are={
        "arn": lambda s: s.arn("ec2", f"internet-gateway/{s.id}"),
        "ownerId": lambda s: s.cloud.account,
    },
    tagging=EC2_TAGGING,
)

NAT_GATEWAY = AwsDriver(
    service="ec2",
    create_by=Call("create_nat_gateway"),
    read_by=Call("describe_nat_gateways", given=lambda s: {"NatGatewayIds": [s.id]}),
    delete_by=(Call("delete_nat_gateway", given=lambda s: {"NatGatewayId": s.id}),),
    id_is="NatGateway.NatGatewayId",
    outputs_are={
        "publicIp": "NatGateways[0].NatGatewayAddresses[0].PublicIp",
        "privateIp": "NatGateways[0].NatGatewayAddresses[0].PrivateIp",
        "networkInterfaceId": "NatGateways[0].NatGatewayAddresses[0].NetworkInterfaceId",
    },
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"subnetId", "allocationId", "connectivityType", "privateIp", "vpcId"}),
)

EIP = AwsDriver(
    service="ec2",
    create_by=Call("allocate_address"),
    read_by=Call("describe_addresses", given=lambda s: {"AllocationIds": [s.id]}),
    delete_by=(Call("release_address", given=lambda s: {"AllocationId": s.id}),),
    id_is="AllocationId",
    outputs_are={
        "allocationId": "Addresses[0].AllocationId",
        "publicIp": "Addresses[0].PublicIp",
        "arn": lambda s: s.arn("ec2", f"elastic-ip/{s.id}"),
    },
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"domain", "networkBorderGroup", "publicIpv4Pool", "address"}),
)


def _endpoint_members(subject: Subject) -> None:
    sent: dict[str, Any] = {}
    for ours, api in (
        ("routeTableIds", "RouteTableIds"),
        ("subnetIds", "SubnetIds"),
        ("securityGroupIds", "SecurityGroupIds"),
    ):
        before, after = set(subject.before.get(ours) or ()), set(subject.inputs.get(ours) or ())
        if after - before:
            sent[f"Add{api}"] = sorted(after - before)
        if before - after:
            sent[f"Remove{api}"] = sorted(before - after)
    if sent:
        subject.api.modify_vpc_endpoint(VpcEndpointId=subject.id, **sent)


def _delete_endpoint(subject: Subject) -> None:
    refused = subject.api.delete_vpc_endpoints(VpcEndpointIds=[subject.id]).get("Unsuccessful")
    if refused and "NotFound" not in refused[0]["Error"]["Code"]:
        raise RuntimeError(f"{subject.id} was not deleted: {refused[0]['Error']['Message']}")


VPC_ENDPOINT = AwsDriver(
    service="ec2",
    create_by=Call("create_vpc_endpoint", rename={"policy": "PolicyDocument"}),
    read_by=Call("describe_vpc_endpoints", given=lambda s: {"VpcEndpointIds": [s.id]}),
    updates=(
        Step({"routeTableIds", "subnetIds", "securityGroupIds"}, _endpoint_members),
        Call(
            "modify_vpc_endpoint",
            given=lambda s: {"VpcEndpointId": s.id},
            takes=("policy", "privateDnsEnabled", "ipAddressType", "dnsOptions"),
            rename={"policy": "PolicyDocument"},
            partial=True,
        ),
    ),
    delete_by=(_delete_endpoint,),
    id_is="VpcEndpoint.VpcEndpointId",
    outputs_are={
        "arn": lambda s: s.arn("ec2", f"vpc-endpoint/{s.id}"),
        "state": "VpcEndpoints[0].State",
        "dnsEntries": "VpcEndpoints[0].DnsEntries[].{dnsName: DnsName, hostedZoneId: HostedZoneId}",
        "networkInterfaceIds": "VpcEndpoints[0].NetworkInterfaceIds",
        "ownerId": lambda s: s.cloud.account,
    },
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"vpcId", "serviceName", "vpcEndpointType", "serviceRegion"}),
)

_WATCHED = {
    "vpcId": "VPC",
    "subnetId": "Subnet",
    "eniId": "NetworkInterface",
    "transitGatewayId": "TransitGateway",
    "transitGatewayAttachmentId": "TransitGatewayAttachment",
}


def _watched(inputs: dict[str, Any]) -> dict[str, Any]:
    (name,) = (name for name in _WATCHED if inputs.get(name))
    rest = {k: v for k, v in inputs.items() if k not in _WATCHED}
    return {
        "trafficType": "ALL",
        **rest,
        "resourceIds": [inputs[name]],
        "resourceType": _WATCHED[name],
    }


def _flow_log_id(subject: Subject) -> str:
    refused = subject.answer.get("Unsuccessful")
    if refused:
        raise RuntimeError(f"the flow log was not created: {refused[0]['Error']['Message']}")
    return str(subject.answer["FlowLogIds"][0])


FLOW_LOG = AwsDriver(
    service="ec2",
    create_by=Call(
        "create_flow_logs",
        takes=(
            *_WATCHED,
            "trafficType",
            "logDestination",
            "logDestinationType",
            "logFormat",
            "maxAggregationInterval",
            "iamRoleArn",
            "destinationOptions",
            "deliverCrossAccountRole",
        ),
        rename={"iamRoleArn": "DeliverLogsPermissionArn"},
        reshape=_watched,
    ),
    delete_by=(Call("delete_flow_logs", given=lambda s: {"FlowLogIds": [s.id]}),),
    id_is=_flow_log_id,
    outputs_are={"arn": lambda s: s.arn("ec2", f"vpc-flow-log/{s.id}")},
    tagging=EC2_TAGGING,
    replaced_by=frozenset(
        {
            *_WATCHED,
            "trafficType",
            "logDestination",
            "logDestinationType",
            "logFormat",
            "maxAggregationInterval",
            "iamRoleArn",
            "destinationOptions",
            "deliverCrossAccountRole",
        }
    ),
)

DRIVERS: dict[str, Driver] = {
    "aws:ec2/vpc:Vpc": VPC,
    "aws:ec2/subnet:Subnet": SUBNET,
    "aws:ec2/internetGateway:InternetGateway": INTERNET_GATEWAY,
    "aws:ec2/natGateway:NatGateway": NAT_GATEWAY,
    "aws:ec2/eip:Eip": EIP,
    "aws:ec2/vpcEndpoint:VpcEndpoint": VPC_ENDPOINT,
    "aws:ec2/flowLog:FlowLog": FLOW_LOG,
}
