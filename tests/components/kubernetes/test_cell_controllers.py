"""A cell's controllers: pinned, hardened, on the system nodes, and gone in the right order."""

from __future__ import annotations

import re

import pytest
from kubernetes_programs import CLUSTER, REGISTRY, cell, objects, pod_specs

from components.kubernetes import karpenter, load_balancer_controller
from components.kubernetes.priority_classes import PLACEHOLDER_VALUE, VALUES
from rehearsal.evaluation import evaluate_program


@pytest.fixture(scope="module")
def graph():
    return evaluate_program(cell)


@pytest.fixture(scope="module")
def manifests(graph):
    return objects(graph)


def releases(graph):
    return {r.name: r for r in graph.of_type("kubernetes:helm.sh/v3:Release")}


def test_charts_and_their_images_come_pinned_from_the_organization_s_registry(graph):
    found = releases(graph)
    assert found.keys() == {
        "load-balancers-release",
        "karpenter-release",
        "karpenter-definitions",
        "signatures-release",
    }
    for release in found.values():
        assert release.inputs["chart"].startswith(f"oci://{REGISTRY}/charts/")
        assert re.fullmatch(r"\d+\.\d+\.\d+", release.inputs["version"])
    values = [r.inputs["values"] for r in found.values() if "values" in r.inputs]
    parts = [v.get("webhook") or v.get("controller") or v for v in values]
    images = [
        (part if "image" in part else v)["image"] for part, v in zip(parts, values, strict=True)
    ]
    assert all(image["repository"].startswith(f"{REGISTRY}/mirror/") for image in images)


def test_controllers_run_on_nodes_that_karpenter_did_not_make(graph):
    for name in ("load-balancers-release", "karpenter-release"):
        values = graph.named(name).inputs["values"]
        required = values["affinity"]["nodeAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        (term,) = required["nodeSelectorTerms"]
        assert {"key": "karpenter.sh/nodepool", "operator": "DoesNotExist"} in term[
            "matchExpressions"
        ]
        assert values["tolerations"] == [{"key": "CriticalAddonsOnly", "operator": "Exists"}]
        assert values["priorityClassName"] == "system-cluster-critical"


def test_controllers_use_the_accounts_that_get_their_iam_roles(graph):
    for name, module in (
        ("load-balancers-release", load_balancer_controller),
        ("karpenter-release", karpenter),
    ):
        inputs = graph.named(name).inputs
        assert inputs["namespace"] == module.NAMESPACE
        assert inputs["values"]["serviceAccount"] == {
            "create": True,
            "name": module.SERVICE_ACCOUNT,
        }


def test_every_namespace_of_the_cell_is_restricted(manifests):
    namespaces = [m for m in manifests.values() if m["kind"] == "Namespace"]
    assert {n["metadata"]["name"] for n in namespaces} == {
        "load-balancer-controller",
        "karpenter",
        "database-bootstrap",
        "image-signatures",
    }
    for namespace in namespaces:
        labels = namespace["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        assert labels["pod-security.kubernetes.io/enforce-version"] == f"v{CLUSTER.version}"


def test_the_load_balancer_controller_makes_nothing_behind_pulumi_s_back(graph):
    values = graph.named("load-balancers-release").inputs["values"]
    for switch in ("enableServiceMutatorWebhook", "createIngressClassResource", "enableWafv2"):
        assert values[switch] is False
    assert values["controllerConfig"]["featureGates"]["EnableServiceController"] is False


@pytest.mark.parametrize("disk", [40, 60])
def test_nodes_are_bottlerocket_with_encrypted_disks_and_metadata_for_the_host_alone(
    manifests, disk
):
    spec = manifests[f"karpenter-class-{disk}gib"]["spec"]
    assert spec["amiFamily"] == "Bottlerocket"
    assert spec["amiSelectorTerms"] == [{"alias": "bottlerocket@v1.55.0"}]
    assert spec["metadataOptions"]["httpTokens"] == "required"
    assert spec["metadataOptions"]["httpPutResponseHopLimit"] == 1
    assert spec["associatePublicIPAddress"] is False
    system, data = (mapping["ebs"] for mapping in spec["blockDeviceMappings"])
    assert data["volumeSize"] == f"{disk}Gi"
    for volume in (system, data):
        assert volume["encrypted"] is True
        assert volume["kmsKeyID"].startswith("arn:aws:kms:")
    assert spec["instanceProfile"] == "acme-prod-karpenter-nodes"
    assert "role" not in spec, "Karpenter would make a profile that nobody deletes"


def test_pools_follow_the_catalog_and_stay_below_their_ceiling(manifests):
    for name, pool in CLUSTER.node_pools.items():
        spec = manifests[f"karpenter-pool-{name}"]["spec"]
        requirements = {
            r["key"]: tuple(r["values"]) for r in spec["template"]["spec"]["requirements"]
        }
        assert requirements["node.kubernetes.io/instance-type"] == pool.instance_types
        assert requirements["karpenter.sh/capacity-type"] == (pool.capacity,)
        assert (
            spec["template"]["spec"]["nodeClassRef"]["name"] == f"bottlerocket-{pool.disk_gib}gib"
        )
    assert manifests["karpenter-pool-general"]["spec"]["limits"] == {"cpu": str(8 * 20)}


def test_nodes_are_consolidated_within_a_budget_and_expire(manifests):
    for name in CLUSTER.node_pools:
        spec = manifests[f"karpenter-pool-{name}"]["spec"]
        assert spec["disruption"]["consolidationPolicy"] == "WhenEmptyOrUnderutilized"
        reasons = [r for budget in spec["disruption"]["budgets"] for r in budget["reasons"]]
        assert sorted(reasons) == ["Drifted", "Empty", "Underutilized"]
        assert spec["template"]["spec"]["expireAfter"] == "336h"


def test_a_pool_with_a_minimum_is_held_there_and_one_without_may_be_empty(graph, manifests):
    assert "karpenter-floor-spare-deployment" not in manifests
    floor = manifests["karpenter-floor-general-deployment"]["spec"]
    assert floor["replicas"] == CLUSTER.node_pools["general"].minimum
    pod = pod_specs(graph)["karpenter-floor-general-deployment"]
    assert pod["nodeSelector"] == {"karpenter.sh/nodepool": "general"}
    (rule,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert rule["topologyKey"] == "kubernetes.io/hostname"


def test_pools_go_before_their_controller_so_that_nodes_are_drained(graph):
    controller = graph.named("karpenter-release").urn
    pools = graph.of_type("kubernetes:karpenter.sh/v1:NodePool")
    classes = graph.of_type("kubernetes:karpenter.k8s.aws/v1:EC2NodeClass")
    assert len(pools) == len(CLUSTER.node_pools)
    for resource in (*pools, *classes):
        assert controller in resource.dependencies
    for pool in pools:
        assert {node_class.urn for node_class in classes} & set(pool.dependencies)


def test_a_trial_never_pushes_anybody_off_a_node(manifests):
    classes = {m["metadata"]["name"]: m for m in manifests.values() if m["kind"] == "PriorityClass"}
    assert classes["patchworks-trial"]["preemptionPolicy"] == "Never"
    assert classes["patchworks-enterprise"]["value"] > classes["patchworks-standard"]["value"]
    assert min(VALUES.values()) > PLACEHOLDER_VALUE
    assert not any(m["globalDefault"] for m in classes.values())


def test_the_default_storage_class_encrypts_with_the_cell_s_key(manifests):
    spec = manifests["storage-gp3"]
    assert spec["metadata"]["annotations"] == {
        "storageclass.kubernetes.io/is-default-class": "true"
    }
    assert spec["parameters"]["encrypted"] == "true"
    assert spec["parameters"]["kmsKeyId"].startswith("arn:aws:kms:")
    assert spec["volumeBindingMode"] == "WaitForFirstConsumer"
    assert spec["reclaimPolicy"] == "Retain"
