"""The children that pulumi-eks makes for a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rehearsal.children import Child, Derived, Expanded, External, Ref, UnsupportedInputError, Whole
from rehearsal.eks_access import ENTRY_TYPE, access_entries, instance_role
from rehearsal.eks_addons import managed, vpc_cni
from rehearsal.eks_kubeconfig import issuer, kubeconfig, kubeconfig_json, without_protocol
from rehearsal.eks_roles import service_role
from rehearsal.eks_security_groups import cluster_group, node_group
from rehearsal.values import Reference, reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Lookup = Callable[[str], tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]
    """Type, name, inputs and outputs of the registered resource with a URN."""

CLUSTER_TYPE: Final = "aws:eks/cluster:Cluster"
_UNSUPPORTED: Final = {
    "autoMode": "this platform's nodes are its own",
    "fargate": "this platform's nodes are its own",
    "createOidcProvider": "use EKS Pod Identity, which needs no OIDC provider",
    "storageClasses": "declare them with pulumi-kubernetes",
    "creationRoleProvider": "use providerCredentialOpts",
    "roleMappings": "use accessEntries",
    "userMappings": "use accessEntries",
    "instanceRoles": "use accessEntries",
    "nodeGroupOptions": "use eks.ManagedNodeGroup",
}


def cluster_urn(inputs: Mapping[str, Any], lookup: Lookup) -> str:
    """The URN of the `aws.eks.Cluster` behind a component's `cluster` input."""
    cluster = inputs["cluster"]
    if not isinstance(cluster, Reference):
        raise UnsupportedInputError(
            "eks:index:*", "", "cluster given as core data", "give the eks.Cluster itself"
        )
    outputs = lookup(cluster.urn)[3]
    made = outputs["eksCluster"]
    assert isinstance(made, Reference)
    return made.urn


def expand(name: str, inputs: dict[str, Any], _lookup: Lookup) -> Expanded:
    """The children and outputs of an `eks:index:Cluster`."""
    _refuse_unsupported(name, inputs)
    tags = inputs.get("tags")
    roles = service_role(
        f"{name}-eksRole",
        service="eks.amazonaws.com",
        policies=("AmazonEKSClusterPolicy",),
        description="Allows EKS to manage clusters on your behalf.",
        actions=("sts:AssumeRole", "sts:TagSession"),
        tags=tags,
    )
    own_role = "serviceRole" not in inputs
    before = list(roles.children) if own_role else []
    group_id, group = _cluster_group(name, inputs)
    before += group
    cluster = Child(
        type=CLUSTER_TYPE,
        name=f"{name}-eksCluster",
        inputs=_cluster_inputs(
            name,
            inputs,
            role_arn=roles.arn if own_role else External(inputs["serviceRole"].urn, "arn"),
            security_group_id=group_id,
        ),
        ignore_changes=(
            "accessConfig.bootstrapClusterCreatorAdminPermissions",
            "bootstrapSelfManagedAddons",
        ),
        depends_on=tuple(child.key for child in before if "Attachment" in child.type),
    )
    after = [_kubernetes_provider(name, cluster, inputs)]
    instance_roles, instance = instance_role(name, inputs, cluster)
    after += instance
    entries = access_entries(name, inputs.get("accessEntries", {}), Ref(cluster.key, "name"))
    after += entries
    after += _addons(
        name,
        inputs,
        cluster,
        tuple(child.key for child in after if child.type == ENTRY_TYPE),
    )
    nodes = _node_security_group(name, inputs, group_id, cluster)
    after += nodes
    return Expanded(
        children=(*before, cluster, *after),
        outputs=_outputs(name, inputs, cluster, before + after, group_id, instance_roles),
    )


def _refuse_unsupported(name: str, inputs: Mapping[str, Any]) -> None:
    def refuse(input: str, remedy: str) -> None:
        raise UnsupportedInputError("eks:index:Cluster", name, input, remedy)

    for input, remedy in _UNSUPPORTED.items():
        if reveal(inputs.get(input)):
            refuse(input, remedy)
    if reveal(inputs.get("authenticationMode")) != "API":
        refuse("an authenticationMode other than API", "set it to API")
    if not reveal(inputs.get("skipDefaultNodeGroup")):
        refuse("the default node group", "set skipDefaultNodeGroup and use eks.ManagedNodeGroup")
    if "vpcId" not in inputs:
        refuse("a missing vpcId", "name the VPC; the default one is not to be used")


def _cluster_group(name: str, inputs: Mapping[str, Any]) -> tuple[Any, list[Child]]:
    given = inputs.get("clusterSecurityGroup")
    if given is not None:
        return External(given.urn, "id"), []
    if reveal(inputs.get("skipDefaultSecurityGroups")):
        return None, []
    children = cluster_group(name, inputs)
    return Ref(children[0].key, "id"), list(children)


def _cluster_inputs(
    name: str, inputs: Mapping[str, Any], *, role_arn: Any, security_group_id: Any
) -> dict[str, Any]:
    subnets = inputs.get(
        "subnetIds", inputs.get("publicSubnetIds", []) + inputs.get("privateSubnetIds", [])
    )
    vpc = {
        key: inputs[key]
        for key in ("endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs")
        if key in inputs
    }
    if security_group_id is not None:
        vpc["securityGroupIds"] = [security_group_id]
    passed = {
        key: inputs[key]
        for key in (
            "name",
            "version",
            "enabledClusterLogTypes",
            "upgradePolicy",
            "deletionProtection",
        )
        if key in inputs
    }
    if "encryptionConfigKeyArn" in inputs:
        passed["encryptionConfig"] = {
            "provider": {"keyArn": inputs["encryptionConfigKeyArn"]},
            "resources": ["secrets"],
        }
    network = {
        key: inputs[given]
        for key, given in (
            ("serviceIpv4Cidr", "kubernetesServiceIpAddressRange"),
            ("ipFamily", "ipFamily"),
        )
        if given in inputs
    }
    if network:
        passed["kubernetesNetworkConfig"] = {"ipFamily": "ipv4", **network}
    return {
        **passed,
        "accessConfig": {
            "authenticationMode": inputs["authenticationMode"],
            "bootstrapClusterCreatorAdminPermissions": True,
        },
        "bootstrapSelfManagedAddons": inputs.get("bootstrapSelfManagedAddons", True),
        "roleArn": role_arn,
        "tags": {
            "Name": f"{name}-eksCluster",
            **inputs.get("clusterTags", {}),
            **inputs.get("tags", {}),
        },
        "vpcConfig": {**vpc, "subnetIds": subnets},
    }


def _kubernetes_provider(name: str, cluster: Child, inputs: Mapping[str, Any]) -> Child:
    given = {"kubeconfig": kubeconfig_json(cluster.key, inputs.get("providerCredentialOpts"))}
    if "enableConfigMapMutable" in inputs:
        given["enableConfigMapMutable"] = inputs["enableConfigMapMutable"]
    return Child(type="pulumi:providers:kubernetes", name=f"{name}-eks-k8s", inputs=given)


def _addons(
    name: str, inputs: Mapping[str, Any], cluster: Child, entries: tuple[str, ...]
) -> list[Child]:
    cluster_name, tags = Ref(cluster.key, "name"), inputs.get("tags")
    made: list[Child] = []
    kube_proxy = inputs.get("kubeProxyAddonOptions", {})
    if reveal(kube_proxy.get("enabled", True)):
        made.append(managed(name, "kube-proxy", kube_proxy, cluster_name, tags))
    if not reveal(inputs.get("useDefaultVpcCni")):
        made += vpc_cni(
            name,
            inputs.get("vpcCniOptions", {}),
            cluster_name,
            Ref(cluster.key, "version"),
            tags,
            entries,
        )
    coredns = inputs.get("corednsAddonOptions", {})
    # Without nodes of the cluster's own, CoreDNS comes only where it is asked for.
    if reveal(coredns.get("enabled")) is True or coredns.get("configurationValues"):
        made.append(managed(name, "coredns", coredns, cluster_name, tags))
    return made


def _node_security_group(
    name: str, inputs: Mapping[str, Any], cluster_group_id: Any, cluster: Child
) -> list[Child]:
    if reveal(inputs.get("skipDefaultSecurityGroups")):
        return []
    return list(node_group(name, inputs, cluster_group_id, Ref(cluster.key, "name")))


def _outputs(
    name: str,
    inputs: Mapping[str, Any],
    cluster: Child,
    others: list[Child],
    group_id: Any,
    instance_roles: list[Any],
) -> dict[str, Any]:
    keys = {child.name: child.key for child in others}
    whole = Whole(cluster.key)

    def made(part: str) -> Whole | None:
        return Whole(keys[f"{name}-{part}"]) if f"{name}-{part}" in keys else None

    # Where it makes no group of its own, pulumi-eks hands out the one that EKS made.
    eks_group = Derived(
        (Ref(cluster.key, "vpcConfig"),), lambda config: config["clusterSecurityGroupId"]
    )
    node_group_key = keys.get(f"{name}-nodeSecurityGroup")
    issuer_url = Derived((Ref(cluster.key, "identities"),), issuer)
    security_group = inputs.get("clusterSecurityGroup", made("eksClusterSecurityGroup"))
    subnets = cluster.inputs["vpcConfig"]["subnetIds"]
    core = {
        "cluster": whole,
        "vpcId": inputs["vpcId"],
        "subnetIds": subnets,
        "endpoint": Ref(cluster.key, "endpoint"),
        "clusterSecurityGroup": security_group,
        "instanceRoles": instance_roles,
        "clusterIamRole": inputs.get("serviceRole", made("eksRole-role")),
        "kubeconfig": kubeconfig(cluster.key, inputs.get("providerCredentialOpts")),
        "privateSubnetIds": inputs.get("privateSubnetIds"),
        "publicSubnetIds": inputs.get("publicSubnetIds"),
    }
    outputs = {
        "autoModeNodeRoleName": "",
        "clusterSecurityGroup": security_group,
        "clusterSecurityGroupId": group_id if group_id is not None else eks_group,
        "core": {key: value for key, value in core.items() if value is not None},
        "defaultNodeGroupAsgName": "",
        "eksCluster": whole,
        "eksClusterIngressRule": made("eksClusterIngressRule"),
        "fargateProfileId": "",
        "fargateProfileStatus": "",
        "instanceRoles": instance_roles,
        "kubeconfig": kubeconfig(cluster.key, inputs.get("providerCredentialOpts")),
        "kubeconfigJson": kubeconfig_json(cluster.key, inputs.get("providerCredentialOpts")),
        "nodeSecurityGroup": made("nodeSecurityGroup"),
        "nodeSecurityGroupId": Ref(node_group_key, "id") if node_group_key else eks_group,
        "oidcIssuer": Derived((issuer_url,), without_protocol),
        "oidcProviderArn": "",
        "oidcProviderUrl": issuer_url,
    }
    return {key: value for key, value in outputs.items() if value is not None}
