"""The expansion is held against what pulumi-eks made under the real engine."""

import json
import re
from pathlib import Path

import pytest

from rehearsal.children import Derived, External, Ref, UnsupportedInputError, Whole
from rehearsal.eks import expand
from rehearsal.eks_addons import cni_configuration
from rehearsal.eks_nodes import ami_type
from rehearsal.values import UNKNOWN, Reference

RECORDED = json.loads((Path(__file__).parent / "data" / "eks_children.json").read_text())
COMPONENTS = ("eks:index:Cluster", "eks:index:ManagedNodeGroup", "eks:index:Addon")
CLUSTER_URN = "urn:pulumi:dev::ekst::eks:index:Cluster::c"
EKS_URN = "urn:pulumi:dev::ekst::eks:index:Cluster$aws:eks/cluster:Cluster::c-eksCluster"
GROUP_URN = "urn:pulumi:dev::ekst::aws:ec2/securityGroup:SecurityGroup::own"
ROLE_URN = "urn:pulumi:dev::ekst::aws:iam/role:Role::nodes"
RESOURCE_SIGNATURE = "4dabf18193072939515e22adb298388d"
CLUSTER_OUTPUTS = {
    "name": "sample",
    "version": "1.34",
    "endpoint": "https://4ae1d19445.gr7.eu-west-1.eks.amazonaws.com",
    "certificateAuthority": {"data": "Y2E="},
    "arn": "arn:aws:eks:eu-west-1:123456789012:cluster/sample",
    "identities": [{"oidcs": [{"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/AB"}]}],
    "vpcConfig": {"clusterSecurityGroupId": "sg-made-by-eks"},
}


def lookup(urn):
    found = {
        CLUSTER_URN: ("eks:index:Cluster", "c", {}, cluster_outputs()),
        EKS_URN: ("aws:eks/cluster:Cluster", "c-eksCluster", {}, CLUSTER_OUTPUTS),
        ROLE_URN: ("aws:iam/role:Role", "nodes", {}, {"arn": arn("nodes")}),
    }
    return found[urn]


def cluster_outputs():
    return {"eksCluster": Reference(EKS_URN), "core": {"subnetIds": ["s0", "s1", "s2"]}}


def arn(name):
    return f"arn:aws:role:eu-west-1:123456789012:{name}"


def without_generated_ids(value):
    """Drops the ten hexadecimal digits that the recording's engine put behind each name."""
    if isinstance(value, str):
        return re.sub(r"-[0-9a-f]{10}(?![0-9a-f])", "", value)
    if isinstance(value, dict):
        if RESOURCE_SIGNATURE in value:
            return Reference(value["urn"], value.get("id"))
        return {key: without_generated_ids(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_generated_ids(item) for item in value]
    return value


def resolve(value, names):
    """Answers waiting values as the recording's engine did: an id is the name."""
    match value:
        case Ref(child, "id"):
            return names[child]
        case Ref(child, property) if "eks/cluster" in child:
            return CLUSTER_OUTPUTS[property]
        case Ref(child, "arn"):
            return arn(names[child])
        case Ref(_, "latestVersion"):
            return "undefined"  # the recording's engine answered none
        case External(urn, property):
            return lookup(urn)[3][property]
        case Whole(child):
            return Reference(child)
        case Derived(parts, compute):
            return compute(*(resolve(part, names) for part in parts))
        case dict():
            return {key: resolve(item, names) for key, item in value.items()}
        case list():
            return [resolve(item, names) for item in value]
        case _:
            return value


def expanded(type, name, inputs):
    """Each child as the recording writes it, by parent, type and name."""
    made = expand(type, name, inputs, lookup)
    names = {child.key: child.name for child in made.children}
    found = {}
    for child in made.children:
        parent = child.parent or f"{type}::{name}"
        found[parent, child.type, child.name] = (
            resolve(child.inputs, names),
            list(child.ignore_changes),
        )
    assert len(found) == len(made.children)
    return found


def recorded(type, name):
    """The descendants that the recording has for a component."""
    below, found = {f"{type}::{name}"}, {}
    for resource in RECORDED:
        key = f"{resource['type']}::{resource['name']}"
        if resource["parent"] in below and resource["type"] not in COMPONENTS:
            below.add(key)
            found[resource["parent"], resource["type"], resource["name"]] = (
                without_generated_ids(resource["inputs"]),
                resource.get("ignoreChanges", []),
            )
    return found


def given(type):
    """The component's own name and inputs in the recording."""
    (component,) = [resource for resource in RECORDED if resource["type"] == type]
    return component["name"], without_generated_ids(component["inputs"])


def without_provider_details(children):
    """The recording's provider adds its own version and bookkeeping to a provider's inputs."""
    for _, type, _ in children:
        if type == "pulumi:providers:kubernetes":
            for inputs, _ in [value for key, value in children.items() if key[1] == type]:
                inputs.pop("version", None)
                inputs.pop("__internal", None)
    return children


@pytest.mark.parametrize("type", COMPONENTS)
def test_a_component_has_exactly_the_children_that_the_provider_made(type):
    name, inputs = given(type)
    expected = without_provider_details(recorded(type, name))
    assert expected
    assert expanded(type, name, inputs) == expected


def test_the_recording_is_covered_whole():
    described = sum(len(recorded(type, given(type)[0])) for type in COMPONENTS)
    assert described + len(COMPONENTS) == len(RECORDED) == 24


@pytest.mark.parametrize("type", COMPONENTS)
def test_components_hand_out_what_the_provider_handed_out(type):
    (component,) = [resource for resource in RECORDED if resource["type"] == type]
    name, inputs = given(type)
    assert sorted(expand(type, name, inputs, lookup).outputs) == component["outputs"]


@pytest.mark.parametrize("type", COMPONENTS)
def test_a_child_comes_after_its_parent_and_what_it_refers_to(type):
    name, inputs = given(type)
    inputs |= {"createInstanceRole": True} if type == "eks:index:Cluster" else {}
    seen = set()
    for child in expand(type, name, inputs, lookup).children:
        needed = set(references(child.inputs)) | set(child.depends_on)
        needed |= {child.parent} - {None}
        assert needed <= seen, child.key
        seen.add(child.key)


def references(value):
    match value:
        case Ref(child, _) | Whole(child):
            yield child
        case Derived(parts, _):
            yield from references(list(parts))
        case dict():
            yield from references(list(value.values()))
        case list():
            for item in value:
                yield from references(item)


def test_an_addon_is_put_under_its_cluster():
    name, inputs = given("eks:index:Addon")
    assert expand("eks:index:Addon", name, inputs, lookup).parent == CLUSTER_URN


def cluster(**inputs):
    _, recorded_inputs = given("eks:index:Cluster")
    return expanded("eks:index:Cluster", "c", {**recorded_inputs, **inputs})


def types_and_names(children):
    return {(type, name) for _, type, name in children}


def test_skipping_default_security_groups_leaves_out_both_groups_and_their_rules():
    children = cluster(skipDefaultSecurityGroups=True)
    assert not [name for type, name in types_and_names(children) if "ecurityGroup" in type]
    inputs, _ = children["eks:index:Cluster::c", "aws:eks/cluster:Cluster", "c-eksCluster"]
    assert "securityGroupIds" not in inputs["vpcConfig"]


def test_without_groups_of_its_own_the_cluster_hands_out_the_one_that_eks_made():
    _, inputs = given("eks:index:Cluster")
    made = expand("eks:index:Cluster", "c", {**inputs, "skipDefaultSecurityGroups": True}, lookup)
    assert resolve(made.outputs["clusterSecurityGroupId"], {}) == "sg-made-by-eks"
    assert resolve(made.outputs["nodeSecurityGroupId"], {}) == "sg-made-by-eks"


def test_a_given_security_group_is_the_control_planes_and_no_rule_is_added_to_it():
    made = expand(
        "eks:index:Cluster",
        "c",
        {
            **given("eks:index:Cluster")[1],
            "skipDefaultSecurityGroups": True,
            "clusterSecurityGroup": Reference(GROUP_URN),
        },
        lookup,
    )
    (eks,) = [child for child in made.children if child.type == "aws:eks/cluster:Cluster"]
    assert not [child.name for child in made.children if "ecurityGroup" in child.type]
    assert eks.inputs["vpcConfig"]["securityGroupIds"] == [External(GROUP_URN, "id")]
    assert made.outputs["clusterSecurityGroupId"] == External(GROUP_URN, "id")


def test_the_nodes_role_that_a_cluster_makes_may_join_it():
    children = cluster(createInstanceRole=True)
    parent = "eks:index:ServiceRole::c-instanceRole"
    policies = {
        inputs["policyArn"].rpartition("/")[2]
        for (above, type, _), (inputs, _) in children.items()
        if above == parent and "Attachment" in type
    }
    assert policies == {
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
        "AmazonEC2ContainerRegistryReadOnly",
    }
    entry, _ = children[
        "eks:index:Cluster::c",
        "aws:eks/accessEntry:AccessEntry",
        "c-defaultNodeGroupInstanceRole",
    ]
    assert entry["type"] == "EC2_LINUX"
    assert entry["principalArn"] == arn("c-instanceRole-role")


def test_the_default_vpc_cni_is_left_to_eks():
    assert not [
        name for _, name in types_and_names(cluster(useDefaultVpcCni=True)) if "cni" in name
    ]


def test_kube_proxy_and_coredns_come_in_the_version_asked_for():
    children = cluster(
        kubeProxyAddonOptions={"version": "v1.34.3-eksbuild.5"},
        corednsAddonOptions={"enabled": True, "version": "v1.13.2-eksbuild.1"},
    )
    versions = {
        name: inputs.get("addonVersion")
        for (_, type, name), (inputs, _) in children.items()
        if type == "aws:eks/addon:Addon"
    }
    assert versions["c-kube-proxy"] == "v1.34.3-eksbuild.5"
    assert versions["c-coredns"] == "v1.13.2-eksbuild.1"


def test_coredns_stays_away_unless_it_is_asked_for():
    assert not [name for _, name in types_and_names(cluster()) if "coredns" in name]


def test_an_access_entry_keeps_its_groups_and_user_name():
    entry = {
        "principalArn": arn("people"),
        "kubernetesGroups": ["viewers"],
        "username": "people",
        "type": "STANDARD",
    }
    children = cluster(accessEntries={"people": entry})
    inputs, _ = children["eks:index:Cluster::c", "aws:eks/accessEntry:AccessEntry", "c-people"]
    assert inputs["kubernetesGroups"] == ["viewers"]
    assert inputs["userName"] == "people"


def test_unknown_inputs_stay_unknown_in_the_children():
    _, inputs = given("eks:index:Cluster")
    made = expand("eks:index:Cluster", "c", {**inputs, "vpcId": UNKNOWN}, lookup)
    groups = [child for child in made.children if "securityGroup:" in child.type]
    assert [group.inputs["vpcId"] for group in groups] == [UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("inputs", "named"),
    [
        ({"createOidcProvider": True}, "createOidcProvider"),
        ({"fargate": True}, "fargate"),
        ({"autoMode": {"enabled": True}}, "autoMode"),
        ({"authenticationMode": "CONFIG_MAP"}, "authenticationMode"),
        ({"skipDefaultNodeGroup": False}, "default node group"),
        ({"storageClasses": "gp3"}, "storageClasses"),
    ],
)
def test_what_is_not_known_of_the_provider_is_refused_by_name(inputs, named):
    with pytest.raises(UnsupportedInputError, match=named):
        cluster(**inputs)


def node_group(**inputs):
    _, recorded_inputs = given("eks:index:ManagedNodeGroup")
    merged = {**recorded_inputs, **inputs}
    present = {key: value for key, value in merged.items() if value is not None}
    return expanded("eks:index:ManagedNodeGroup", "g", present)


def group_of(children):
    return children["eks:index:ManagedNodeGroup::g", "aws:eks/nodeGroup:NodeGroup", "g"]


def test_a_node_group_with_an_own_launch_template_makes_none():
    own = {"id": "lt-1", "version": "7"}
    children = node_group(enableIMDSv2=None, diskSize=None, launchTemplate=own)
    assert types_and_names(children) == {("aws:eks/nodeGroup:NodeGroup", "g")}
    assert group_of(children)[0]["launchTemplate"] == own


def test_a_node_group_without_a_version_follows_its_cluster():
    children = node_group(enableIMDSv2=None, diskSize=None, version=None)
    assert group_of(children)[0]["version"] == "1.34"


def test_a_node_group_takes_its_role_by_arn_too():
    children = node_group(nodeRole=None, nodeRoleArn=arn("others"))
    assert group_of(children)[0]["nodeRoleArn"] == arn("others")


def test_a_node_group_is_scaled_by_pulumi_unless_told_otherwise():
    assert group_of(node_group(ignoreScalingChanges=False))[1] == []


@pytest.mark.parametrize("setting", ["bottlerocketSettings", "userData", "amiId"])
def test_settings_that_make_the_provider_write_user_data_are_refused(setting):
    with pytest.raises(UnsupportedInputError, match=setting):
        node_group(**{setting: "x"})


@pytest.mark.parametrize(
    ("system", "instances", "gpu", "expected"),
    [
        ("Bottlerocket", ["m7g.large", "c7gn.xlarge"], False, "BOTTLEROCKET_ARM_64"),
        ("Bottlerocket", ["m7i.large"], False, "BOTTLEROCKET_x86_64"),
        ("Bottlerocket", ["g6.xlarge"], True, "BOTTLEROCKET_x86_64_NVIDIA"),
        ("AL2023", ["t4g.medium"], False, "AL2023_ARM_64_STANDARD"),
    ],
)
def test_the_ami_type_follows_from_system_and_architecture(system, instances, gpu, expected):
    assert ami_type(system, instances, gpu) == expected


def test_instance_types_of_two_architectures_are_refused():
    with pytest.raises(ValueError, match="one architecture"):
        ami_type("Bottlerocket", ["m7g.large", "m7i.large"], False)


def test_what_the_cni_is_configured_with_outright_wins_over_its_options():
    configured = {"env": {"WARM_ENI_TARGET": "0"}, "enableNetworkPolicy": "false"}
    values = json.loads(
        cni_configuration({"enableNetworkPolicy": True, "configurationValues": configured})
    )
    assert values["enableNetworkPolicy"] == "false"
    assert values["env"]["WARM_ENI_TARGET"] == "0"
    assert values["env"]["AWS_VPC_ENI_MTU"] == "9001"
