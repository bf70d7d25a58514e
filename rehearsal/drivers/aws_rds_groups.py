"""Drivers for what Aurora clusters need: parameters, subnets and who is told of events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rehearsal.drivers.aws_calls import Call, Step, Subject, gone
from rehearsal.drivers.aws_driver import AwsDriver
from rehearsal.drivers.aws_parameters import text
from rehearsal.drivers.aws_rds import rds_tagging

if TYPE_CHECKING:
    from rehearsal.drivers.base import Driver, Inputs


_MANAGED = "Managed by Pulumi"


class Described(AwsDriver):
    """A resource whose description is required by RDS and optional in a program."""

    def _named(self, name: str, inputs: Inputs) -> Inputs:
        return super()._named(name, {"description": _MANAGED, **inputs})


def _parameter_group(kind: str, create: str, modify: str, delete: str, read: str) -> AwsDriver:
    cluster = "Cluster" if "cluster" in create else ""
    name = f"DB{cluster}ParameterGroupName"

    def named(subject: Subject) -> dict[str, str]:
        return {name: subject.id}

    def set_parameters(subject: Subject) -> None:
        # RDS takes 20 parameters a call.
        wanted = [
            {
                "ParameterName": parameter["name"],
                "ParameterValue": text(parameter["value"]),
                "ApplyMethod": parameter.get("applyMethod") or "immediate",
            }
            for parameter in subject.inputs.get("parameters") or ()
        ]
        for start in range(0, len(wanted), 20):
            getattr(subject.api, modify)(**named(subject), Parameters=wanted[start : start + 20])
        left = {p["name"] for p in subject.before.get("parameters") or ()}
        left -= {p["ParameterName"] for p in wanted}
        if left:
            reset = getattr(subject.api, modify.replace("modify", "reset"))
            reset(
                **named(subject),
                Parameters=[
                    {"ParameterName": p, "ApplyMethod": "pending-reboot"} for p in sorted(left)
                ],
            )

    return Described(
        service="rds",
        prefix="DB",
        create_by=Call(
            create,
            takes=("name", "family", "description"),
            rename={"name": name, "family": "DBParameterGroupFamily"},
        ),
        read_by=Call(read, given=named),
        updates=(Step({"parameters"}, set_parameters),),
        delete_by=(Call(delete, given=named),),
        id_is=f"DB{cluster}ParameterGroup.{name}",
        outputs_are={"arn": f"DB{cluster}ParameterGroups[0].DB{cluster}ParameterGroupArn"},
        named="name",
        tagging=rds_tagging(kind),
        replaced_by=frozenset({"name", "namePrefix", "family", "description"}),
        steering=frozenset({"skipDestroy"}),
    )


CLUSTER_PARAMETER_GROUP = _parameter_group(
    "cluster-pg",
    "create_db_cluster_parameter_group",
    "modify_db_cluster_parameter_group",
    "delete_db_cluster_parameter_group",
    "describe_db_cluster_parameter_groups",
)
PARAMETER_GROUP = _parameter_group(
    "pg",
    "create_db_parameter_group",
    "modify_db_parameter_group",
    "delete_db_parameter_group",
    "describe_db_parameter_groups",
)


def _subnet_group(subject: Subject) -> dict[str, str]:
    return {"DBSubnetGroupName": subject.id}


def _change_subnet_group(subject: Subject) -> None:
    wanted = {
        **_subnet_group(subject),
        "DBSubnetGroupDescription": subject.inputs.get("description") or _MANAGED,
        "SubnetIds": subject.inputs["subnetIds"],
    }
    subject.api.modify_db_subnet_group(**wanted)
    # moto 5.2 forgets the group it has modified.
    try:
        subject.api.describe_db_subnet_groups(**_subnet_group(subject))
    except ClientError as error:
        if not gone(error):
            raise
        tags = [{"Key": key, "Value": value} for key, value in subject.tags.items()]
        subject.api.create_db_subnet_group(**wanted, Tags=tags)


_SUBNET_GROUP_NAMES = {"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"}
SUBNET_GROUP = Described(
    service="rds",
    create_by=Call("create_db_subnet_group", rename=_SUBNET_GROUP_NAMES),
    read_by=Call("describe_db_subnet_groups", given=_subnet_group),
    updates=(Step({"subnetIds", "description"}, _change_subnet_group),),
    delete_by=(Call("delete_db_subnet_group", given=_subnet_group),),
    id_is="DBSubnetGroup.DBSubnetGroupName",
    outputs_are={
        "arn": "DBSubnetGroups[0].DBSubnetGroupArn",
        "vpcId": "DBSubnetGroups[0].VpcId",
        "description": "DBSubnetGroups[0].DBSubnetGroupDescription",
    },
    named="name",
    tagging=rds_tagging("subgrp"),
    replaced_by=frozenset({"name", "namePrefix"}),
)


def _subscription(subject: Subject) -> dict[str, str]:
    return {"SubscriptionName": subject.id}


_SUBSCRIPTION_NAMES = {"name": "SubscriptionName", "snsTopic": "SnsTopicArn"}
EVENT_SUBSCRIPTION = AwsDriver(
    service="rds",
    create_by=Call("create_event_subscription", rename=_SUBSCRIPTION_NAMES),
    read_by=Call("describe_event_subscriptions", given=_subscription),
    updates=(
        Call(
            "modify_event_subscription",
            given=_subscription,
            takes=("snsTopic", "sourceType", "eventCategories", "enabled"),
            rename=_SUBSCRIPTION_NAMES,
        ),
    ),
    delete_by=(Call("delete_event_subscription", given=_subscription),),
    id_is="EventSubscription.CustSubscriptionId",
    outputs_are={"arn": "EventSubscriptionsList[0].EventSubscriptionArn"},
    named="name",
    tagging=rds_tagging("es"),
    replaced_by=frozenset({"name", "namePrefix", "sourceIds"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:rds/clusterParameterGroup:ClusterParameterGroup": CLUSTER_PARAMETER_GROUP,
    "aws:rds/parameterGroup:ParameterGroup": PARAMETER_GROUP,
    "aws:rds/subnetGroup:SubnetGroup": SUBNET_GROUP,
    "aws:rds/eventSubscription:EventSubscription": EVENT_SUBSCRIPTION,
}
