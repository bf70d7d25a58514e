"""Drivers for security groups, their rules and prefix lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Step, Subject
from rehearsal.drivers.aws_driver import AwsDriver
from rehearsal.drivers.aws_network import EC2_TAGGING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.drivers.base import Cloud, Driver, Inputs, Outputs


def _permission(rule: Mapping[str, Any], group: str) -> dict[str, Any]:
    """EC2's form of a rule, of which Pulumi has three: inline, a resource, the older resource."""
    protocol = str(rule.get("protocol", rule.get("ipProtocol")))
    permission: dict[str, Any] = {"IpProtocol": protocol}
    if protocol != "-1":
        for ours, api in (("fromPort", "FromPort"), ("toPort", "ToPort")):
            if rule.get(ours) is not None:
                permission[api] = int(rule[ours])
    about = {"Description": rule["description"]} if rule.get("description") else {}
    sources = (
        ("IpRanges", "CidrIp", [*(rule.get("cidrBlocks") or ()), rule.get("cidrIpv4")]),
        ("Ipv6Ranges", "CidrIpv6", [*(rule.get("ipv6CidrBlocks") or ()), rule.get("cidrIpv6")]),
        (
            "PrefixListIds",
            "PrefixListId",
            [*(rule.get("prefixListIds") or ()), rule.get("prefixListId")],
        ),
        (
            "UserIdGroupPairs",
            "GroupId",
            [
                *(rule.get("securityGroups") or ()),
                rule.get("sourceSecurityGroupId"),
                rule.get("referencedSecurityGroupId"),
                group if rule.get("self") else None,
            ],
        ),
    )
    for api, key, values in sources:
        given = [{key: value, **about} for value in values if value]
        if given:
            permission[api] = given
    return permission


def _set_rules(direction: str) -> Step:
    """Make the group's rules in one direction exactly those that are declared inline."""

    def do(subject: Subject) -> None:
        egress = direction == "egress"
        rules = subject.api.describe_security_group_rules(
            Filters=[{"Name": "group-id", "Values": [subject.id]}]
        )["SecurityGroupRules"]
        present = [r["SecurityGroupRuleId"] for r in rules if r["IsEgress"] == egress]
        wanted = [_permission(rule, subject.id) for rule in subject.inputs.get(direction) or ()]
        if present:
            revoke = getattr(subject.api, f"revoke_security_group_{direction}")
            revoke(GroupId=subject.id, SecurityGroupRuleIds=present)
        if wanted:
            authorize = getattr(subject.api, f"authorize_security_group_{direction}")
            authorize(GroupId=subject.id, IpPermissions=wanted)

    return Step({direction}, do)


class SecurityGroup(AwsDriver):
    """A security group; as with the real provider, it starts without EC2's open egress rule."""

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create the group with the rules declared inline, or none."""
        defaults = {"description": "Managed by Pulumi", "egress": []}
        return super().create(name, {**defaults, **inputs}, cloud)


def _read_group(subject: Subject) -> Mapping[str, Any]:
    return {"GroupIds": [subject.id]}


SECURITY_GROUP = SecurityGroup(
    service="ec2",
    create_by=Call(
        "create_security_group",
        takes=("name", "description", "vpcId"),
        rename={"name": "GroupName"},
    ),
    read_by=Call("describe_security_groups", given=_read_group),
    updates=(_set_rules("ingress"), _set_rules("egress")),
    delete_by=(Call("delete_security_group", given=lambda s: {"GroupId": s.id}),),
    id_is="GroupId",
    outputs_are={
        "arn": lambda s: s.arn("ec2", f"security-group/{s.id}"),
        "ownerId": "SecurityGroups[0].OwnerId",
        "vpcId": "SecurityGroups[0].VpcId",
        "description": "SecurityGroups[0].Description",
    },
    named="name",
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"name", "namePrefix", "description", "vpcId"}),
    steering=frozenset({"revokeRulesOnDelete"}),
)


class DefaultSecurityGroup(AwsDriver):
    """A VPC's default security group: it exists already, so it is taken over and never deleted."""

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Take over the group and give it the declared rules, or none."""
        return super().create(name, {"ingress": [], "egress": [], **inputs}, cloud)


DEFAULT_SECURITY_GROUP = DefaultSecurityGroup(
    service="ec2",
    create_by=Call(
        "describe_security_groups",
        given=lambda s: {
            "Filters": [
                {"Name": "group-name", "Values": ["default"]},
                {"Name": "vpc-id", "Values": [s.inputs["vpcId"]]},
            ]
        },
        takes=("vpcId",),
        reshape=lambda _: {},
    ),
    read_by=Call("describe_security_groups", given=_read_group),
    updates=(_set_rules("ingress"), _set_rules("egress")),
    id_is="SecurityGroups[0].GroupId",
    outputs_are={
        "arn": lambda s: s.arn("ec2", f"security-group/{s.id}"),
        "ownerId": "SecurityGroups[0].OwnerId",
        "name": "SecurityGroups[0].GroupName",
        "description": "SecurityGroups[0].Description",
    },
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"vpcId"}),
    steering=frozenset({"revokeRulesOnDelete"}),
)

_RULE_PROPERTIES = (
    "cidrIpv4",
    "cidrIpv6",
    "description",
    "fromPort",
    "toPort",
    "ipProtocol",
    "prefixListId",
    "referencedSecurityGroupId",
)


def _change_rule(subject: Subject) -> None:
    rule = {
        "IpProtocol": subject.inputs["ipProtocol"],
        "FromPort": int(subject.inputs.get("fromPort", -1)),
        "ToPort": int(subject.inputs.get("toPort", -1)),
        "Description": subject.inputs.get("description"),
        "CidrIpv4": subject.inputs.get("cidrIpv4"),
        "CidrIpv6": subject.inputs.get("cidrIpv6"),
        "PrefixListId": subject.inputs.get("prefixListId"),
        "ReferencedGroupId": subject.inputs.get("referencedSecurityGroupId"),
    }
    subject.api.modify_security_group_rules(
        GroupId=subject.inputs["securityGroupId"],
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": subject.id,
                "SecurityGroupRule": {k: v for k, v in rule.items() if v is not None},
            }
        ],
    )


def _rule(direction: str) -> AwsDriver:
    return AwsDriver(
        service="ec2",
        create_by=Call(
            f"authorize_security_group_{direction}",
            given=lambda s: {
                "GroupId": s.inputs["securityGroupId"],
                "IpPermissions": [_permission(s.inputs, s.inputs["securityGroupId"])],
            },
            takes=("securityGroupId", *_RULE_PROPERTIES),
            reshape=lambda _: {},
        ),
        updates=(Step(set(_RULE_PROPERTIES), _change_rule),),
        delete_by=(
            Call(
                f"revoke_security_group_{direction}",
                given=lambda s: {
                    "GroupId": s.inputs["securityGroupId"],
                    "SecurityGroupRuleIds": [s.id],
                },
            ),
        ),
        id_is="SecurityGroupRules[0].SecurityGroupRuleId",
        outputs_are={
            "securityGroupRuleId": lambda s: s.id,
            "arn": lambda s: s.arn("ec2", f"security-group-rule/{s.id}"),
        },
        tagging=EC2_TAGGING,
        replaced_by=frozenset({"securityGroupId"}),
    )


class SecurityGroupRule:
    """The older rule resource, which stands for one EC2 rule per source."""

    replaced_by = frozenset(
        {
            "cidrBlocks",
            "fromPort",
            "ipv6CidrBlocks",
            "prefixListIds",
            "protocol",
            "region",
            "securityGroupId",
            "self",
            "sourceSecurityGroupId",
            "toPort",
            "type",
        }
    )

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Add the rule to the group."""
        api, group = cloud.aws("ec2"), inputs["securityGroupId"]
        authorize = getattr(api, f"authorize_security_group_{inputs['type']}")
        answer = authorize(GroupId=group, IpPermissions=[_permission(inputs, group)])
        ids = [rule["SecurityGroupRuleId"] for rule in answer["SecurityGroupRules"]]
        outputs: Outputs = {"ruleIds": ids}
        if len(ids) == 1:
            outputs["securityGroupRuleId"] = ids[0]
        return f"sgrule-{ids[0].removeprefix('sgr-')}", outputs

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Change the description, the one thing that changes in place."""
        if old.get("description") == new.get("description"):
            return outputs
        # moto 5.2 leaves the description of a rule for a group as it was, and says nothing.
        self.delete(id, old, outputs, cloud)
        return self.create("", new, cloud)[1]

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Take the rule out of the group."""
        _rule(inputs["type"]).delete(outputs["ruleIds"][0], inputs, outputs, cloud)
        for rule in outputs["ruleIds"][1:]:
            _rule(inputs["type"]).delete(rule, inputs, outputs, cloud)


def _change_entries(subject: Subject) -> None:
    def by_cidr(inputs: Inputs) -> dict[str, Any]:
        return {entry["cidr"]: entry for entry in inputs.get("entries") or ()}

    before, after = by_cidr(subject.before), by_cidr(subject.inputs)
    about: dict[str, Any] = {}
    if subject.before.get("name") != subject.inputs.get("name"):
        about["PrefixListName"] = subject.inputs["name"]
    if subject.before.get("maxEntries") != subject.inputs.get("maxEntries"):
        about["MaxEntries"] = int(subject.inputs["maxEntries"])
    added = [
        {"Cidr": cidr, "Description": entry.get("description") or ""}
        for cidr, entry in after.items()
        if before.get(cidr) != entry
    ]
    removed = [{"Cidr": cidr} for cidr, entry in before.items() if after.get(cidr) != entry]
    # A new description is a removal and an addition, which one call must not mix.
    for change in (about, {"RemoveEntries": removed}, {"AddEntries": added}):
        if any(change.values()):
            current = subject.api.describe_managed_prefix_lists(PrefixListIds=[subject.id])
            subject.api.modify_managed_prefix_list(
                PrefixListId=subject.id,
                CurrentVersion=current["PrefixLists"][0]["Version"],
                **change,
            )


def _delete_prefix_list(subject: Subject) -> None:
    # moto 5.2 crashes over a prefix list that it does not know.
    known = subject.api.describe_managed_prefix_lists(PrefixListIds=[subject.id])
    if known["PrefixLists"]:
        subject.api.delete_managed_prefix_list(PrefixListId=subject.id)


MANAGED_PREFIX_LIST = AwsDriver(
    service="ec2",
    create_by=Call("create_managed_prefix_list", rename={"name": "PrefixListName"}),
    read_by=Call("describe_managed_prefix_lists", given=lambda s: {"PrefixListIds": [s.id]}),
    updates=(Step({"entries", "name", "maxEntries"}, _change_entries),),
    delete_by=(_delete_prefix_list,),
    id_is="PrefixList.PrefixListId",
    outputs_are={
        "arn": "PrefixLists[0].PrefixListArn",
        "ownerId": "PrefixLists[0].OwnerId",
        "version": "PrefixLists[0].Version",
    },
    named="name",
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"addressFamily"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:ec2/securityGroup:SecurityGroup": SECURITY_GROUP,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": DEFAULT_SECURITY_GROUP,
    "aws:ec2/securityGroupRule:SecurityGroupRule": SecurityGroupRule(),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule("ingress"),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule("egress"),
    "aws:ec2/managedPrefixList:ManagedPrefixList": MANAGED_PREFIX_LIST,
}
