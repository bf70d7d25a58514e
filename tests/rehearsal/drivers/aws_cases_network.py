"""Cases for networks, security groups and compute."""

from __future__ import annotations

import base64
from typing import Any

from aws_case import ACCOUNT, REGION, Case, Subject, Surroundings

TAGS = {"tags": {"Name": "tested"}}


def _association(s: Subject) -> object:
    return s.api("ec2").describe_route_tables(
        Filters=[{"Name": "association.subnet-id", "Values": [s.inputs["subnetId"]]}]
    )


def _vpc(s: Subject) -> object:
    def attribute(name: str) -> object:
        api = s.api("ec2")
        return api.describe_vpc_attribute(VpcId=s.id, Attribute=name)

    return {
        **s.api("ec2").describe_vpcs(VpcIds=[s.id]),
        "hostnames": attribute("enableDnsHostnames"),
        "support": attribute("enableDnsSupport"),
    }


def _rules(s: Subject) -> object:
    return s.api("ec2").describe_security_group_rules(SecurityGroupRuleIds=[s.id])


def _group_of(s: Subject) -> object:
    return s.api("ec2").describe_security_groups(GroupIds=[s.inputs["securityGroupId"]])


def _prefix_list(s: Subject) -> object:
    # moto still lists a prefix list that is gone, with its entries, for a while.
    found = s.api("ec2").describe_managed_prefix_lists(PrefixListIds=[s.id])
    if all(one["State"] == "delete-complete" for one in found["PrefixLists"]):
        return {}
    return {**found, **s.api("ec2").get_managed_prefix_list_entries(PrefixListId=s.id)}


def _other_vpc(around: Surroundings, name: str) -> str:
    return around.make("aws:ec2/vpc:Vpc", name, cidrBlock="10.90.0.0/16")[0]


def _route_of(s: Subject) -> object:
    (table,) = s.api("ec2").describe_route_tables(RouteTableIds=[s.inputs["routeTableId"]])[
        "RouteTables"
    ]
    return {"routes": [r for r in table["Routes"] if r.get("DestinationCidrBlock") == "0.0.0.0/0"]}


def _peer(around: Surroundings) -> str:
    return around.make("aws:ec2/vpc:Vpc", "peer", cidrBlock="10.21.0.0/16")[0]


def _asked_for(around: Surroundings, key: str) -> str:
    return around.make(
        "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
        key,
        vpcId=around.vpc,
        peerVpcId=_peer(around),
    )[0]


def _peering(s: Subject) -> dict[str, Any]:
    """The connection, unless it is deleted: it is shown as such for a while."""
    found = s.api("ec2").describe_vpc_peering_connections(VpcPeeringConnectionIds=[s.id])
    known = found["VpcPeeringConnections"]
    return {"found": [each for each in known if each["Status"]["Code"] != "deleted"]}


def _nat(around: Surroundings) -> str:
    address = around.make("aws:ec2/eip:Eip", "nat-address", domain="vpc")[0]
    return around.make(
        "aws:ec2/natGateway:NatGateway",
        "nat",
        subnetId=around.subnet(),
        allocationId=address,
    )[0]


CASES = {
    "aws:ec2/vpc:Vpc": Case(
        inputs=lambda a: {
            "cidrBlock": "10.21.0.0/16",
            "enableDnsHostnames": True,
            "enableDnsSupport": True,
            **TAGS,
        },
        read=_vpc,
        shows={
            "Vpcs[0].CidrBlock": "10.21.0.0/16",
            "hostnames.EnableDnsHostnames.Value": True,
            "Vpcs[0].Tags[?Key=='Name'].Value | [0]": "tested",
            "Vpcs[0].Tags[?Key=='cell'].Value | [0]": "dev-eu-west-1",
        },
        change=lambda a: {"enableDnsHostnames": False, "tags": {"Purpose": "other"}},
        then={
            "hostnames.EnableDnsHostnames.Value": False,
            "Vpcs[0].Tags[?Key=='Name'].Value | [0]": None,
            "Vpcs[0].Tags[?Key=='Purpose'].Value | [0]": "other",
        },
        outputs={
            "arn": r"arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-\w+",
            "mainRouteTableId": "rtb-",
            "defaultSecurityGroupId": "sg-",
            "defaultNetworkAclId": "acl-",
        },
    ),
    "aws:ec2/subnet:Subnet": Case(
        inputs=lambda a: {
            "vpcId": a.vpc,
            "cidrBlock": "10.20.100.0/24",
            "availabilityZone": "eu-west-1b",
            **TAGS,
        },
        read=lambda s: s.api("ec2").describe_subnets(SubnetIds=[s.id]),
        shows={
            "Subnets[0].AvailabilityZone": "eu-west-1b",
            "Subnets[0].MapPublicIpOnLaunch": False,
        },
        change=lambda a: {"mapPublicIpOnLaunch": True},
        then={"Subnets[0].MapPublicIpOnLaunch": True},
        outputs={"arn": "subnet/subnet-", "availabilityZoneId": "euw1-az"},
    ),
    "aws:ec2/internetGateway:InternetGateway": Case(
        inputs=lambda a: {"vpcId": _other_vpc(a, "igw-vpc-1"), **TAGS},
        read=lambda s: s.api("ec2").describe_internet_gateways(InternetGatewayIds=[s.id]),
        shows={"InternetGateways[0].Attachments[0].State": "available"},
        change=lambda a: {"vpcId": _other_vpc(a, "igw-vpc-2")},
        then={"length(InternetGateways[0].Attachments)": 1},
        outputs={"arn": "internet-gateway/igw-"},
    ),
    "aws:ec2/natGateway:NatGateway": Case(
        inputs=lambda a: {
            "subnetId": a.subnet(),
            "allocationId": a.make("aws:ec2/eip:Eip", "address", domain="vpc")[0],
            **TAGS,
        },
        read=lambda s: s.api("ec2").describe_nat_gateways(
            NatGatewayIds=[s.id], Filter=[{"Name": "state", "Values": ["available"]}]
        ),
        shows={"NatGateways[0].State": "available"},
        outputs={"publicIp": r"\d+\.\d+", "privateIp": r"\d+\."},
    ),
    "aws:ec2/eip:Eip": Case(
        inputs=lambda a: {"domain": "vpc", **TAGS},
        read=lambda s: s.api("ec2").describe_addresses(AllocationIds=[s.id]),
        shows={"Addresses[0].Domain": "vpc"},
        change=lambda a: {"tags": {"Name": "renamed"}},
        then={"Addresses[0].Tags[?Key=='Name'].Value | [0]": "renamed"},
        outputs={"publicIp": r"\d+\.\d+", "allocationId": "eipalloc-"},
    ),
    "aws:ec2/routeTable:RouteTable": Case(
        inputs=lambda a: {"vpcId": a.vpc, **TAGS},
        read=lambda s: s.api("ec2").describe_route_tables(RouteTableIds=[s.id]),
        shows={"RouteTables[0].Tags[?Key=='Name'].Value | [0]": "tested"},
        change=lambda a: {"routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": a.internet_gateway}]},
        then={"RouteTables[0].Routes[?DestinationCidrBlock=='0.0.0.0/0'].State | [0]": "active"},
        outputs={"arn": "route-table/rtb-"},
    ),
    "aws:ec2/route:Route": Case(
        inputs=lambda a: {
            "routeTableId": a.route_table("routed"),
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": a.internet_gateway,
        },
        read=_route_of,
        shows={"starts_with(routes[0].GatewayId || '', 'igw-') || null": True},
        change=lambda a: {"gatewayId": None, "natGatewayId": _nat(a)},
        then={"starts_with(routes[0].NatGatewayId || '', 'nat-')": True},
    ),
    "aws:ec2/vpcPeeringConnection:VpcPeeringConnection": Case(
        inputs=lambda a: {
            "vpcId": a.vpc,
            "peerVpcId": _peer(a),
            "peerOwnerId": ACCOUNT,
            "peerRegion": REGION,
            **TAGS,
        },
        read=_peering,
        shows={
            "found[0].Status.Code": "pending-acceptance",
            "found[0].RequesterVpcInfo.OwnerId": ACCOUNT,
        },
        outputs={"acceptStatus": "pending-acceptance"},
    ),
    "aws:ec2/vpcPeeringConnectionAccepter:VpcPeeringConnectionAccepter": Case(
        inputs=lambda a: {
            "vpcPeeringConnectionId": _asked_for(a, "accepted"),
            "autoAccept": True,
            **TAGS,
        },
        read=_peering,
        shows={"found[0].Status.Code": "active"},
        outputs={"acceptStatus": "active", "vpcId": "^vpc-"},
        # It goes with the connection alone, as with the real provider.
        after_delete={"found[0].Status.Code": "active"},
    ),
    "aws:ec2/peeringConnectionOptions:PeeringConnectionOptions": Case(
        inputs=lambda a: {
            "vpcPeeringConnectionId": _asked_for(a, "with-options"),
            "requester": {"allowRemoteVpcDnsResolution": True},
        },
        read=_peering,
        shows={"found[0].RequesterVpcInfo.PeeringOptions.AllowDnsResolutionFromRemoteVpc": True},
        change=lambda _: {"requester": {"allowRemoteVpcDnsResolution": False}},
        then={"found[0].RequesterVpcInfo.PeeringOptions.AllowDnsResolutionFromRemoteVpc": False},
        after_delete={
            "found[0].RequesterVpcInfo.PeeringOptions.AllowDnsResolutionFromRemoteVpc": False
        },
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Case(
        inputs=lambda a: {"routeTableId": a.route_table("one"), "subnetId": a.subnet("c")},
        read=_association,
        shows={"length(RouteTables) || null": 1},
        change=lambda a: {"routeTableId": a.route_table("two")},
        then={"length(RouteTables)": 1},
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Case(
        inputs=lambda a: {
            "vpcId": a.vpc,
            "serviceName": "com.amazonaws.eu-west-1.sts",
            "vpcEndpointType": "Interface",
            "subnetIds": [a.subnet("a")],
            "securityGroupIds": [a.security_group()],
            "privateDnsEnabled": True,
            **TAGS,
        },
        read=lambda s: s.api("ec2").describe_vpc_endpoints(VpcEndpointIds=[s.id]),
        shows={
            "VpcEndpoints[0].ServiceName": "com.amazonaws.eu-west-1.sts",
            "length(VpcEndpoints[0].SubnetIds || `[]`) || null": 1,
        },
        change=lambda a: {"subnetIds": [a.subnet("a"), a.subnet("b")]},
        then={"length(VpcEndpoints[0].SubnetIds)": 2},
        outputs={"state": "available", "arn": "vpc-endpoint/vpce-"},
        after_delete={"VpcEndpoints[0].State": "deleted"},
    ),
    "aws:ec2/flowLog:FlowLog": Case(
        inputs=lambda a: {
            "vpcId": a.vpc,
            "trafficType": "REJECT",
            "logDestinationType": "cloud-watch-logs",
            "logDestination": a.log_group("/flows"),
            "iamRoleArn": a.role("flows", "vpc-flow-logs.amazonaws.com")[1],
            "maxAggregationInterval": 60,
            **TAGS,
        },
        read=lambda s: s.api("ec2").describe_flow_logs(FlowLogIds=[s.id]),
        shows={"FlowLogs[0].TrafficType": "REJECT", "FlowLogs[0].MaxAggregationInterval": 60},
        change=lambda a: {"tags": {"Name": "renamed"}},
        then={"FlowLogs[0].Tags[?Key=='Name'].Value | [0]": "renamed"},
        outputs={"arn": "vpc-flow-log/fl-"},
    ),
    "aws:ec2/securityGroup:SecurityGroup": Case(
        inputs=lambda a: {
            "vpcId": a.vpc,
            "description": "of the test",
            "revokeRulesOnDelete": True,
            "ingress": [
                {
                    "protocol": "tcp",
                    "fromPort": 443.0,
                    "toPort": 443.0,
                    "cidrBlocks": ["203.0.113.0/24"],
                    "description": "an office",
                }
            ],
            **TAGS,
        },
        read=lambda s: s.api("ec2").describe_security_groups(GroupIds=[s.id]),
        shows={
            "SecurityGroups[0].Description": "of the test",
            "SecurityGroups[0].IpPermissions[0].IpRanges[0].Description": "an office",
            "SecurityGroups[0].IpPermissionsEgress | [0]": None,
        },
        change=lambda a: {
            "ingress": [],
            "egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}],
        },
        then={
            "SecurityGroups[0].IpPermissions | [0]": None,
            "length(SecurityGroups[0].IpPermissionsEgress[0].UserIdGroupPairs)": 1,
        },
        outputs={"arn": "security-group/sg-", "name": "tested-[0-9a-f]{7}"},
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Case(
        inputs=lambda a: {"vpcId": _other_vpc(a, "emptied"), **TAGS},
        read=lambda s: s.api("ec2").describe_security_groups(GroupIds=[s.id]),
        shows={
            "SecurityGroups[0].GroupName": "default",
            "SecurityGroups[0].IpPermissions | [0]": None,
            "SecurityGroups[0].IpPermissionsEgress | [0]": None,
        },
        change=lambda a: {
            "ingress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}]
        },
        then={"length(SecurityGroups[0].IpPermissions)": 1},
        after_delete={"SecurityGroups[0].GroupName": "default"},
        outputs={"name": "default"},
    ),
    "aws:ec2/securityGroupRule:SecurityGroupRule": Case(
        inputs=lambda a: {
            "securityGroupId": a.security_group("old-rules"),
            "type": "ingress",
            "protocol": "tcp",
            "fromPort": 1025,
            "toPort": 65535,
            "sourceSecurityGroupId": a.security_group("source"),
            "description": "control plane",
        },
        read=_group_of,
        shows={
            "SecurityGroups[0].IpPermissions[0].FromPort": 1025,
            "SecurityGroups[0].IpPermissions[0].UserIdGroupPairs[0].Description": "control plane",
        },
        change=lambda a: {"description": "the control plane"},
        then={
            "SecurityGroups[0].IpPermissions[0].UserIdGroupPairs[0].Description": (
                "the control plane"
            )
        },
        outputs={"securityGroupRuleId": "sgr-"},
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Case(
        inputs=lambda a: {
            "securityGroupId": a.security_group("ingress-rules"),
            "ipProtocol": "tcp",
            "fromPort": 5432,
            "toPort": 5432,
            "cidrIpv4": "10.0.0.0/8",
            "description": "peers",
            **TAGS,
        },
        read=_rules,
        shows={
            "SecurityGroupRules[0].CidrIpv4": "10.0.0.0/8",
            "SecurityGroupRules[0].IsEgress": False,
            "SecurityGroupRules[0].Description": "peers",
        },
        change=lambda a: {"cidrIpv4": "10.1.0.0/16"},
        then={"SecurityGroupRules[0].CidrIpv4": "10.1.0.0/16"},
        outputs={"arn": "security-group-rule/sgr-", "securityGroupRuleId": "sgr-"},
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Case(
        inputs=lambda a: {
            "securityGroupId": a.security_group("egress-rules"),
            "ipProtocol": "-1",
            "referencedSecurityGroupId": a.security_group("peer"),
            "description": "peer",
        },
        read=_rules,
        shows={"SecurityGroupRules[0].IsEgress": True, "SecurityGroupRules[0].IpProtocol": "-1"},
        change=lambda a: {"description": "the peer"},
        then={"SecurityGroupRules[0].Description": "the peer"},
        outputs={"securityGroupRuleId": "sgr-"},
    ),
    "aws:ec2/managedPrefixList:ManagedPrefixList": Case(
        inputs=lambda a: {
            "name": "offices",
            "addressFamily": "IPv4",
            "maxEntries": 10,
            "entries": [
                {"cidr": "203.0.113.0/24", "description": "Berlin"},
                {"cidr": "198.51.100.0/24", "description": "Lisbon"},
            ],
            **TAGS,
        },
        read=_prefix_list,
        shows={
            "PrefixLists[0].PrefixListName": "offices",
            "Entries[].Cidr | sort(@)": ["198.51.100.0/24", "203.0.113.0/24"],
        },
        change=lambda a: {"entries": [{"cidr": "203.0.113.0/24", "description": "Hamburg"}]},
        then={"Entries": [{"Cidr": "203.0.113.0/24", "Description": "Hamburg"}]},
        outputs={"arn": "prefix-list/pl-"},
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Case(
        inputs=lambda a: {
            "blockDeviceMappings": [
                {"deviceName": "/dev/xvdb", "ebs": {"volumeSize": 40.0, "encrypted": "true"}}
            ],
            "metadataOptions": {
                "httpEndpoint": "enabled",
                "httpPutResponseHopLimit": 1,
                "httpTokens": "required",
            },
            "vpcSecurityGroupIds": [a.security_group()],
            "userData": base64.b64encode(b"[settings]").decode(),
            "updateDefaultVersion": True,
            **TAGS,
        },
        read=lambda s: {
            **s.api("ec2").describe_launch_templates(LaunchTemplateIds=[s.id]),
            **s.api("ec2").describe_launch_template_versions(
                LaunchTemplateId=s.id, Versions=["$Latest"]
            ),
        },
        shows={
            "LaunchTemplateVersions[0].LaunchTemplateData.MetadataOptions.HttpTokens": "required",
            "LaunchTemplateVersions[].LaunchTemplateData.BlockDeviceMappings[].Ebs.VolumeSize "
            "| [0]": 40,
            "LaunchTemplates[0].DefaultVersionNumber": 1,
        },
        change=lambda a: {"metadataOptions": {"httpTokens": "optional"}},
        then={
            "LaunchTemplateVersions[0].LaunchTemplateData.MetadataOptions.HttpTokens": "optional",
            "LaunchTemplates[0].DefaultVersionNumber": 2,
        },
        outputs={"latestVersion": "[12]", "arn": "launch-template/lt-"},
    ),
    "aws:ebs/encryptionByDefault:EncryptionByDefault": Case(
        inputs=lambda a: {},
        read=lambda s: s.api("ec2").get_ebs_encryption_by_default(),
        shows={"EbsEncryptionByDefault": True},
        change=lambda a: {"enabled": False},
        then={"EbsEncryptionByDefault": False},
        after_delete={"EbsEncryptionByDefault": False},
    ),
    "aws:eks/cluster:Cluster": Case(
        inputs=lambda a: {
            "name": "tested",
            "roleArn": a.role("cluster-role")[1],
            "version": "1.34",
            "accessConfig": {
                "authenticationMode": "API",
                "bootstrapClusterCreatorAdminPermissions": False,
            },
            "enabledClusterLogTypes": ["api", "audit"],
            "encryptionConfig": {
                "provider": {"keyArn": a.key()},
                "resources": ["secrets"],
            },
            "vpcConfig": {
                "subnetIds": a.subnets,
                "endpointPrivateAccess": True,
                "endpointPublicAccess": False,
            },
            **TAGS,
        },
        read=lambda s: s.api("eks").describe_cluster(name=s.id),
        shows={
            "cluster.version": "1.34",
            "cluster.logging.clusterLogging[?enabled].types[] | sort(@)": ["api", "audit"],
            "cluster.encryptionConfig[0].resources": ["secrets"],
            "cluster.resourcesVpcConfig.endpointPublicAccess": False,
            "cluster.tags.cell": "dev-eu-west-1",
        },
        change=lambda a: {"enabledClusterLogTypes": ["api", "audit", "scheduler"]},
        then={
            "cluster.logging.clusterLogging[?enabled].types[] | sort(@)": [
                "api",
                "audit",
                "scheduler",
            ]
        },
        outputs={
            "arn": r"arn:aws:eks:eu-west-1:111122223333:cluster/tested",
            "endpoint": "https://",
            "certificateAuthority": "data",
            "vpcConfig": "'clusterSecurityGroupId': 'sg-",
            "identities": "issuer",
        },
    ),
    "aws:eks/nodeGroup:NodeGroup": Case(
        inputs=lambda a: {
            "clusterName": a.cluster(),
            "nodeRoleArn": a.role("nodes", "ec2.amazonaws.com")[1],
            "subnetIds": a.subnets,
            "amiType": "BOTTLEROCKET_ARM_64",
            "instanceTypes": ["m7g.large"],
            "scalingConfig": {"desiredSize": 3, "minSize": 3, "maxSize": 6},
            "labels": {"pool": "system"},
            "launchTemplate": {
                "id": a.make("aws:ec2/launchTemplate:LaunchTemplate", "nodes")[0],
                "version": "1",
            },
            **TAGS,
        },
        read=lambda s: s.api("eks").describe_nodegroup(
            clusterName=s.id.split(":")[0], nodegroupName=s.id.split(":")[1]
        ),
        shows={
            "nodegroup.amiType": "BOTTLEROCKET_ARM_64",
            "nodegroup.scalingConfig.maxSize": 6,
            "nodegroup.labels.pool": "system",
        },
        change=lambda a: {
            "scalingConfig": {"desiredSize": 3, "minSize": 3, "maxSize": 9},
            "labels": {"kind": "system"},
        },
        then={
            "nodegroup.scalingConfig.maxSize": 9,
            "nodegroup.labels.kind": "system",
            "nodegroup.labels.pool": None,
        },
        outputs={"status": "ACTIVE", "nodeGroupName": "tested-"},
    ),
}
