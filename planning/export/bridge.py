"""How pulumi-aws names what Terraform's provider does, which it is bridged from.

Types are `aws:<module>/<name>:<Name>` and mostly Terraform's `aws_<module>_<name>`; properties are
camelCase for snake_case. Blocks that may be repeated are plural in Pulumi and singular in
Terraform; those that may not are one object in Pulumi and a list of one in Terraform. The tables
hold what is otherwise.
"""

from __future__ import annotations

import re

PREFIXES = {
    "alb": "lb_",
    "cfg": "config_",
    "ebs": "ebs_",
    "ec2": "",
    "ec2clientvpn": "ec2_client_vpn_",
    "kinesis": "kinesis_",
    "lb": "lb_",
    "rds": "rds_",
    "vpc": "vpc_",
}
"""What follows `aws_` for a module, where that is not its name."""
TYPES = {
    "aws:cfg/recorder:Recorder": "aws_config_configuration_recorder",
    "aws:cfg/recorderStatus:RecorderStatus": "aws_config_configuration_recorder_status",
    "aws:cfg/rule:Rule": "aws_config_config_rule",
    "aws:cloudtrail/trail:Trail": "aws_cloudtrail",
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": "aws_cloudwatch_log_metric_filter",
    "aws:ec2/managedPrefixList:ManagedPrefixList": "aws_ec2_managed_prefix_list",
    "aws:identitystore/group:Group": "aws_identitystore_group",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
    "aws:rds/eventSubscription:EventSubscription": "aws_db_event_subscription",
    "aws:rds/parameterGroup:ParameterGroup": "aws_db_parameter_group",
    "aws:rds/subnetGroup:SubnetGroup": "aws_db_subnet_group",
}
"""Types whose name does not follow from Pulumi's."""
PLURAL = frozenset({"block_device_mappings"})
"""Blocks that are plural in Terraform as well."""
SINGULAR = {"addresses": "addresses", "aliases": "alias", "entries": "entry"}
"""Blocks whose singular is not the plural without its last letter."""
MAPS = frozenset({"tags", "tags_all", "variables"})
"""Objects that are maps in Terraform, and no blocks."""
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def type_of(token: str) -> str | None:
    """Terraform's name of one of pulumi-aws' types; None for a type of another package."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")[0].partition("/")
    if package != "aws" or not name:
        return None
    known = TYPES.get(token)
    return known or f"aws_{PREFIXES.get(module, f'{module}_')}{snake(name)}"


def snake(name: str) -> str:
    """A name in snake_case."""
    return _WORD.sub("_", name).lower()


def block(name: str) -> str:
    """Terraform's name of a block that may be repeated, by Pulumi's name in snake_case."""
    if name in PLURAL:
        return name
    if name in SINGULAR:
        return SINGULAR[name]
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
