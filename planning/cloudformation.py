"""CloudFormation's schemas for Pulumi's AWS types, as cfn-lint ships them.

Names follow from each other: `aws:rds/subnetGroup:SubnetGroup` is `AWS::RDS::DBSubnetGroup`. Where
they do not, the table below says so. Only the files are read: importing cfn-lint takes a second.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION = "us-east-1"
"""The region that has every type; schemas of a type differ little between regions."""

SERVICES: Mapping[str, str] = {
    "acm": "certificatemanager",
    "cfg": "config",
    "ec2clientvpn": "ec2",
    "lb": "elasticloadbalancingv2",
    "ssoadmin": "sso",
}
"""Pulumi's modules under another name than CloudFormation's services."""

TYPES: Mapping[str, str] = {
    "cfg/recorder:Recorder": "AWS::Config::ConfigurationRecorder",
    "cfg/rule:Rule": "AWS::Config::ConfigRule",
    "cloudwatch/eventRule:EventRule": "AWS::Events::Rule",
    "cloudwatch/logGroup:LogGroup": "AWS::Logs::LogGroup",
    "cloudwatch/logMetricFilter:LogMetricFilter": "AWS::Logs::MetricFilter",
    "cloudwatch/logStream:LogStream": "AWS::Logs::LogStream",
    "cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": "AWS::Logs::SubscriptionFilter",
    "cloudwatch/metricAlarm:MetricAlarm": "AWS::CloudWatch::Alarm",
    "ec2/managedPrefixList:ManagedPrefixList": "AWS::EC2::PrefixList",
    "ec2/routeTableAssociation:RouteTableAssociation": "AWS::EC2::SubnetRouteTableAssociation",
    "ec2clientvpn/authorizationRule:AuthorizationRule": "AWS::EC2::ClientVpnAuthorizationRule",
    "ec2clientvpn/endpoint:Endpoint": "AWS::EC2::ClientVpnEndpoint",
    "ec2clientvpn/networkAssociation:NetworkAssociation": (
        "AWS::EC2::ClientVpnTargetNetworkAssociation"
    ),
    "iam/openIdConnectProvider:OpenIdConnectProvider": "AWS::IAM::OIDCProvider",
    "iam/policy:Policy": "AWS::IAM::ManagedPolicy",
    "kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (
        "AWS::KinesisFirehose::DeliveryStream"
    ),
    "rds/clusterInstance:ClusterInstance": "AWS::RDS::DBInstance",
    "route53/record:Record": "AWS::Route53::RecordSet",
    "route53/zone:Zone": "AWS::Route53::HostedZone",
    "secretsmanager/secretPolicy:SecretPolicy": "AWS::SecretsManager::ResourcePolicy",
    "securityhub/configurationPolicyAssociation:ConfigurationPolicyAssociation": (
        "AWS::SecurityHub::PolicyAssociation"
    ),
    "sns/topicPolicy:TopicPolicy": "AWS::SNS::TopicInlinePolicy",
    "sns/topicSubscription:TopicSubscription": "AWS::SNS::Subscription",
    "ssoadmin/accountAssignment:AccountAssignment": "AWS::SSO::Assignment",
    "ssoadmin/instanceAccessControlAttributes:InstanceAccessControlAttributes": (
        "AWS::SSO::InstanceAccessControlAttributeConfiguration"
    ),
    "vpc/securityGroupEgressRule:SecurityGroupEgressRule": "AWS::EC2::SecurityGroupEgress",
    "vpc/securityGroupIngressRule:SecurityGroupIngressRule": "AWS::EC2::SecurityGroupIngress",
    "wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        "AWS::WAFv2::LoggingConfiguration"
    ),
}
"""Pulumi's AWS types whose CloudFormation name does not follow from their own."""


def type_of(pulumi_type: str) -> str | None:
    """CloudFormation's name of an AWS type; None where it has no type of its own."""
    package, _, rest = pulumi_type.partition(":")
    if package != "aws":
        return None
    if rest in TYPES:
        return TYPES[rest]
    module, _, name = rest.partition(":")
    service = module.split("/")[0]
    known = _by_name().get(SERVICES.get(service, service), {})
    plain = normal(name)
    for candidate in (plain, f"db{plain}", f"{service}{plain}"):
        if candidate in known:
            return known[candidate]
    return None


@cache
def schema(name: str) -> Mapping[str, Any]:
    """The schema of a CloudFormation type; KeyError where there is none."""
    text = (_directory() / "resources" / f"{_index()[name]}.json").read_bytes()
    document: dict[str, Any] = json.loads(text)
    return document


def normal(name: str) -> str:
    """A name as both conventions agree on it."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _by_name() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name in _index():
        _, service, kind = name.split("::")[:3] if name.count("::") == 2 else ("", "", "")
        if kind:
            found.setdefault(normal(service), {})[normal(kind)] = name
    return found


@cache
def _index() -> Mapping[str, str]:
    document: dict[str, str] = json.loads(
        (_directory() / "providers" / f"{REGION}.json").read_bytes()
    )
    return document


@cache
def _directory() -> Path:
    spec = find_spec("cfnlint")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "schemas"
