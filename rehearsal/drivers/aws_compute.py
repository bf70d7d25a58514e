"""Drivers for launch templates, disk encryption by default, EKS clusters and node groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.drivers.aws_calls import Call, Step, Subject, Tagging, joined
from rehearsal.drivers.aws_driver import AwsDriver
from rehearsal.drivers.aws_network import EC2_TAGGING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rehearsal.drivers.base import Driver, Inputs

_TEMPLATE_DATA = (
    "blockDeviceMappings",
    "disableApiStop",
    "disableApiTermination",
    "ebsOptimized",
    "iamInstanceProfile",
    "imageId",
    "instanceInitiatedShutdownBehavior",
    "instanceMarketOptions",
    "instanceRequirements",
    "instanceType",
    "keyName",
    "metadataOptions",
    "monitoring",
    "networkInterfaces",
    "placement",
    "privateDnsNameOptions",
    "securityGroupNames",
    "tagSpecifications",
    "userData",
    "vpcSecurityGroupIds",
)


def _template_data(inputs: Inputs) -> Inputs:
    apart = ("name", "description")
    return {
        "name": inputs.get("name"),
        "description": inputs.get("description"),
        "LaunchTemplateData": {k: v for k, v in inputs.items() if k not in apart},
    }


_TEMPLATE_NAMES = {
    "name": "LaunchTemplateName",
    "description": "VersionDescription",
    "vpcSecurityGroupIds": "SecurityGroupIds",
    "securityGroupNames": "SecurityGroups",
}


def _new_template_version(subject: Subject) -> None:
    data = {k: v for k, v in subject.inputs.items() if k in (*_TEMPLATE_DATA, "description")}
    version = Call(
        "create_launch_template_version",
        given=lambda s: {"LaunchTemplateId": s.id},
        reshape=_template_data,
        rename=_TEMPLATE_NAMES,
    ).run(subject, data)["LaunchTemplateVersion"]["VersionNumber"]
    if subject.inputs.get("updateDefaultVersion"):
        subject.api.modify_launch_template(LaunchTemplateId=subject.id, DefaultVersion=str(version))


LAUNCH_TEMPLATE = AwsDriver(
    service="ec2",
    create_by=Call(
        "create_launch_template",
        takes=("name", "description", *_TEMPLATE_DATA),
        reshape=_template_data,
        rename=_TEMPLATE_NAMES,
    ),
    read_by=Call("describe_launch_templates", given=lambda s: {"LaunchTemplateIds": [s.id]}),
    updates=(Step({"description", *_TEMPLATE_DATA}, _new_template_version),),
    delete_by=(Call("delete_launch_template", given=lambda s: {"LaunchTemplateId": s.id}),),
    id_is="LaunchTemplate.LaunchTemplateId",
    outputs_are={
        "arn": lambda s: s.arn("ec2", f"launch-template/{s.id}"),
        "latestVersion": "LaunchTemplates[0].LatestVersionNumber",
        "defaultVersion": "LaunchTemplates[0].DefaultVersionNumber",
    },
    named="name",
    tagging=EC2_TAGGING,
    replaced_by=frozenset({"name", "namePrefix"}),
    steering=frozenset({"updateDefaultVersion"}),
)


def _set_encryption(subject: Subject) -> None:
    if subject.inputs.get("enabled", True):
        subject.api.enable_ebs_encryption_by_default()
    else:
        subject.api.disable_ebs_encryption_by_default()


class EncryptionByDefault(AwsDriver):
    """The region's setting, which is on unless it says otherwise."""

    def _named(self, _name: str, inputs: Inputs) -> Inputs:
        return {"enabled": True, **inputs}


ENCRYPTION_BY_DEFAULT = EncryptionByDefault(
    service="ec2",
    create_by=Call("get_ebs_encryption_by_default", takes=()),
    updates=(Step({"enabled"}, _set_encryption),),
    delete_by=(Call("disable_ebs_encryption_by_default"),),
    id_is=lambda s: f"ebs-encryption-{s.cloud.region}",
)


def _cluster(subject: Subject) -> dict[str, str]:
    return {"name": subject.id}


def _logging(types: Iterable[str]) -> Inputs:
    every = ("api", "audit", "authenticator", "controllerManager", "scheduler")
    on = [name for name in every if name in types]
    off = [name for name in every if name not in types]
    return {
        "clusterLogging": [
            {"types": names, "enabled": enabled}
            for names, enabled in ((on, True), (off, False))
            if names
        ]
    }


def _cluster_form(inputs: Inputs) -> Inputs:
    form = {k: v for k, v in inputs.items() if k not in ("enabledClusterLogTypes", "vpcConfig")}
    if "vpcConfig" in inputs:
        # EKS makes the security group and finds the VPC by itself.
        made = ("clusterSecurityGroupId", "vpcId")
        form["resourcesVpcConfig"] = {k: v for k, v in inputs["vpcConfig"].items() if k not in made}
    if "enabledClusterLogTypes" in inputs:
        form["logging"] = _logging(inputs["enabledClusterLogTypes"] or ())
    return form


def _vpc_config(subject: Subject) -> dict[str, Any]:
    """What EKS adds to the declared VPC settings: the VPC, and a security group of its own."""
    declared = subject.inputs["vpcConfig"]
    before = subject.outputs.get("vpcConfig") or {}
    group, vpc = before.get("clusterSecurityGroupId"), before.get("vpcId")
    if group is None:
        ec2 = subject.cloud.aws("ec2")
        vpc = ec2.describe_subnets(SubnetIds=declared["subnetIds"][:1])["Subnets"][0]["VpcId"]
        group = ec2.create_security_group(
            GroupName=f"eks-cluster-sg-{subject.id}",
            Description="EKS created security group applied to ENIs of the cluster",
            VpcId=vpc,
        )["GroupId"]
    return {**declared, "clusterSecurityGroupId": group, "vpcId": vpc}


def _delete_cluster_group(subject: Subject) -> None:
    group = (subject.outputs.get("vpcConfig") or {}).get("clusterSecurityGroupId")
    if group is not None:
        subject.cloud.aws("ec2").delete_security_group(GroupId=group)


_CLUSTER_SETTINGS = (
    "accessConfig",
    "bootstrapSelfManagedAddons",
    "computeConfig",
    "controlPlaneScalingConfig",
    "deletionProtection",
    "enabledClusterLogTypes",
    "encryptionConfig",
    "kubernetesNetworkConfig",
    "name",
    "remoteNetworkConfig",
    "roleArn",
    "storageConfig",
    "upgradePolicy",
    "version",
    "vpcConfig",
    "zonalShiftConfig",
)

CLUSTER = AwsDriver(
    service="eks",
    create_by=Call("create_cluster", takes=_CLUSTER_SETTINGS, reshape=_cluster_form),
    read_by=Call("describe_cluster", given=_cluster),
    updates=(
        Call(
            "update_cluster_version",
            given=_cluster,
            takes=("version",),
        ),
        *(
            # EKS changes one setting a call.
            Call("update_cluster_config", given=_cluster, takes=(setting,), reshape=_cluster_form)
            for setting in (
                "accessConfig",
                "computeConfig",
                "controlPlaneScalingConfig",
                "deletionProtection",
                "enabledClusterLogTypes",
                "kubernetesNetworkConfig",
                "remoteNetworkConfig",
                "storageConfig",
                "upgradePolicy",
                "vpcConfig",
                "zonalShiftConfig",
            )
        ),
    ),
    delete_by=(Call("delete_cluster", given=_cluster), _delete_cluster_group),
    id_is="cluster.name",
    outputs_are={
        "arn": "cluster.arn",
        "clusterId": lambda _: None,
        "endpoint": "cluster.endpoint",
        "certificateAuthority": "cluster.certificateAuthority",
        "createdAt": "cluster.createdAt",
        "platformVersion": "cluster.platformVersion",
        "status": "cluster.status",
        "version": "cluster.version",
        "identities": "[{oidcs: [cluster.identity.oidc]}]",
        "vpcConfig": _vpc_config,
    },
    named="name",
    tagging=Tagging(
        "tag_resource",
        "untag_resource",
        lambda s: {"resourceArn": s.arn("eks", f"cluster/{s.id}")},
    ),
    replaced_by=frozenset(
        {"name", "roleArn", "bootstrapSelfManagedAddons", "encryptionConfig", "outpostConfig"}
    ),
    steering=frozenset({"defaultAddonsToRemoves", "forceUpdateVersion"}),
)


def _node_group(subject: Subject) -> dict[str, str]:
    cluster, name = subject.id.split(":")
    return {"clusterName": cluster, "nodegroupName": name}


def _change_labels_and_taints(subject: Subject) -> None:
    labels_before = subject.before.get("labels") or {}
    labels = subject.inputs.get("labels") or {}
    taints_before = subject.before.get("taints") or []
    taints = subject.inputs.get("taints") or []
    subject.api.update_nodegroup_config(
        **_node_group(subject),
        labels={
            "addOrUpdateLabels": labels,
            "removeLabels": sorted(labels_before.keys() - labels.keys()),
        },
        taints={
            "addOrUpdateTaints": taints,
            "removeTaints": [taint for taint in taints_before if taint not in taints],
        },
    )


def _template_reference(inputs: Inputs) -> Inputs:
    """A launch template is named by id or by name, never by both."""
    template = inputs.get("launchTemplate")
    if template and template.get("id"):
        template = {k: v for k, v in template.items() if k != "name"}
    return {**inputs, "launchTemplate": template}


NODE_GROUP = AwsDriver(
    service="eks",
    create_by=Call(
        "create_nodegroup",
        rename={"nodeRoleArn": "nodeRole", "subnetIds": "subnets"},
        reshape=_template_reference,
    ),
    read_by=Call("describe_nodegroup", given=_node_group),
    updates=(
        Call(
            "update_nodegroup_config",
            given=_node_group,
            takes=("scalingConfig", "updateConfig", "nodeRepairConfig"),
        ),
        Step({"labels", "taints"}, _change_labels_and_taints),
        Call(
            "update_nodegroup_version",
            given=_node_group,
            takes=("version", "releaseVersion", "launchTemplate"),
            reshape=_template_reference,
        ),
    ),
    delete_by=(Call("delete_nodegroup", given=_node_group),),
    id_is=joined(":", "clusterName", "nodeGroupName"),
    outputs_are={
        "arn": "nodegroup.nodegroupArn",
        "status": "nodegroup.status",
        "version": "nodegroup.version",
        "resources": "[{autoscalingGroups: nodegroup.resources.autoScalingGroups[].{name: name}}]",
    },
    named="nodeGroupName",
    tagging=Tagging(
        "tag_resource",
        "untag_resource",
        lambda s: {"resourceArn": s.outputs["arn"]},
    ),
    replaced_by=frozenset(
        {
            "amiType",
            "capacityType",
            "clusterName",
            "diskSize",
            "instanceTypes",
            "nodeGroupName",
            "nodeGroupNamePrefix",
            "nodeRoleArn",
            "remoteAccess",
            "subnetIds",
        }
    ),
    steering=frozenset({"forceUpdateVersion"}),
)

DRIVERS: dict[str, Driver] = {
    "aws:ec2/launchTemplate:LaunchTemplate": LAUNCH_TEMPLATE,
    "aws:ebs/encryptionByDefault:EncryptionByDefault": ENCRYPTION_BY_DEFAULT,
    "aws:eks/cluster:Cluster": CLUSTER,
    "aws:eks/nodeGroup:NodeGroup": NODE_GROUP,
}
