"""Kubernetes objects on the local cloud: the real schemas, names and refusals, nothing run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rehearsal.drivers.kubernetes import DRIVERS
from rehearsal.kubernetes_schemas import InvalidObjectError, check, versions
from rehearsal.servers.kubernetes_objects import KubernetesCluster, KubernetesRefusedError


@dataclass
class Cloud:
    """The local cloud as a Kubernetes provider sees it, with nothing beside."""

    kubernetes: KubernetesCluster
    provider: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(KubernetesCluster(tmp_path / "kubernetes.sqlite", "cell", "1.34"))


def driver(kind: str) -> Any:
    return next(driver for token, driver in DRIVERS.items() if token.endswith(f":{kind}"))


def namespace(cloud: Cloud, name: str = "tenant-acme") -> str:
    return driver("Namespace").create("ns", {"metadata": {"name": name}}, cloud)[0]


def deployment(**changes: Any) -> dict[str, Any]:
    labels = {"app": "web"}
    return {
        "metadata": {"name": "web", "namespace": "tenant-acme"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "registry.example.com/web"}]},
            },
        }
        | changes,
    }


def test_tokens_are_those_of_the_sdk() -> None:
    assert "kubernetes:core/v1:Namespace" in DRIVERS
    assert "kubernetes:apps/v1:Deployment" in DRIVERS
    assert "kubernetes:networking.k8s.io/v1:NetworkPolicy" in DRIVERS
    assert "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding" in DRIVERS


@pytest.mark.parametrize("version", ["1.33", "1.34", "1.35"])
@pytest.mark.parametrize(
    "driver", [each for each in DRIVERS.values() if not each.custom], ids=lambda each: each.kind
)
def test_every_kind_has_a_schema_in_every_version_a_cell_may_have(
    driver: Any, version: str
) -> None:
    body = {"apiVersion": driver.api_version, "kind": driver.kind, "metadata": {"name": "x"}}
    with pytest.raises(InvalidObjectError, match=r"nonsense|is a required property"):
        check(body | {"nonsense": 1}, version)


def test_an_object_gets_an_identity_and_changes_count(cloud: Cloud) -> None:
    namespace(cloud)
    web = driver("Deployment")
    id, outputs = web.create("web", deployment(), cloud)
    assert id == "tenant-acme/web"
    assert outputs["metadata"]["name"] == "web"
    assert outputs["metadata"]["resourceVersion"] == "1"
    assert outputs["status"] == {}
    new = deployment(replicas=3)
    changed = web.update(id, deployment(), new, outputs, cloud)
    assert changed["metadata"]["resourceVersion"] == "2"
    assert changed["metadata"]["uid"] == outputs["metadata"]["uid"]


def test_the_report_can_say_validated_and_not_run() -> None:
    assert driver("Deployment").fidelity == "validated"
    assert driver("TargetGroupBinding").fidelity == "simulated"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"replicas": "two"}, "replicas"),
        ({"replcas": 2}, "replcas"),
        ({"selector": None}, "selector"),
        ({"template": {"spec": {"containers": [{"image": "x"}]}}}, "name"),
        ({"selector": {"matchLabels": {"app": "api"}}}, "does not match template"),
    ],
)
def test_what_the_schema_forbids_is_refused_by_field(
    cloud: Cloud, changes: dict[str, Any], said: str
) -> None:
    namespace(cloud)
    with pytest.raises(InvalidObjectError, match=f"Deployment web.*{said}"):
        driver("Deployment").create("web", deployment(**changes), cloud)
    assert cloud.kubernetes.count() == 1


def test_a_kind_that_the_version_does_not_know_is_refused() -> None:
    body = {"apiVersion": "autoscaling/v2beta2", "kind": "HorizontalPodAutoscaler"}
    with pytest.raises(InvalidObjectError, match=r"1\.34 has no kind HorizontalPodAutoscaler"):
        check(body | {"metadata": {"name": "x"}}, "1.34")
    body = {"apiVersion": "apps.example.com/v1", "kind": "Deployment", "metadata": {"name": "x"}}
    with pytest.raises(InvalidObjectError, match="has no kind Deployment in apps"):
        check(body, "1.34")


def test_the_newest_schemas_stand_in_where_no_cluster_tells_its_version() -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
    assert check(body, None) == versions()[-1]
    assert check(body, "1.34") == "1.34"
    with pytest.raises(InvalidObjectError, match=r"no schemas of Kubernetes 1\.20"):
        check(body, "1.20")


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"name": "Upper"}, "name 'Upper'"),
        ({"name": "a" * 254}, "longer than 253"),
        ({"name": "a", "labels": {"team": "a b"}}, "label team 'a b'"),
        ({"name": "a", "labels": {"team": "x" * 64}}, "longer than 63"),
        ({"name": "a", "labels": {"Example.com/x": "y"}}, "prefix of label"),
        ({"name": "a", "annotations": {"-x": "y"}}, "annotation '-x'"),
    ],
)
def test_names_and_labels_are_checked_though_no_schema_has_them(
    metadata: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidObjectError, match=said):
        check({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, "1.34")


def test_roles_may_have_names_that_others_may_not(cloud: Cloud) -> None:
    driver("ClusterRole").create("r", {"metadata": {"name": "system:reader"}, "rules": []}, cloud)
    with pytest.raises(InvalidObjectError):
        driver("Namespace").create("n", {"metadata": {"name": "system:reader"}}, cloud)


def test_an_object_needs_its_namespace(cloud: Cloud) -> None:
    with pytest.raises(KubernetesRefusedError, match='namespaces "tenant-acme" not found'):
        driver("Deployment").create("web", deployment(), cloud)
    driver("ConfigMap").create("c", {"metadata": {"name": "c", "namespace": "kube-system"}}, cloud)


def test_the_providers_namespace_is_the_default(cloud: Cloud) -> None:
    assert driver("ConfigMap").create("c", {"metadata": {"name": "c"}}, cloud)[0] == "default/c"
    cloud.provider["namespace"] = namespace(cloud)
    assert driver("ConfigMap").create("c", {"metadata": {"name": "c"}}, cloud)[0] == "tenant-acme/c"


def test_two_resources_cannot_have_one_name_but_an_interrupted_one_goes_on(cloud: Cloud) -> None:
    config = {"metadata": {"name": "settings", "namespace": namespace(cloud)}}
    driver("ConfigMap").create("first", config, cloud)
    driver("ConfigMap").create("first", config, cloud)
    with pytest.raises(
        KubernetesRefusedError, match='"tenant-acme/settings" already exists, as first'
    ):
        driver("ConfigMap").create("second", config, cloud)
    driver("Secret").create("second", config, cloud)


def test_clusters_share_no_names(cloud: Cloud, tmp_path: Path) -> None:
    namespace(cloud)
    other = Cloud(KubernetesCluster(tmp_path / "kubernetes.sqlite", "other", "1.35"))
    assert other.kubernetes.count() == 0
    driver("Namespace").create("another", {"metadata": {"name": "tenant-acme"}}, other)


def test_a_name_that_is_not_given_ends_in_random_digits(cloud: Cloud) -> None:
    ids = {driver("Namespace").create("blue", {}, cloud)[0] for _ in range(2)}
    assert len(ids) == 2
    assert all(id.startswith("blue-") and len(id) == 13 for id in ids)


def test_an_immutable_field_needs_another_object_and_the_old_one_goes_first(cloud: Cloud) -> None:
    namespace(cloud)
    web = driver("Deployment")
    id, outputs = web.create("web", deployment(), cloud)
    labels = {"app": "other"}
    new = deployment(selector={"matchLabels": labels})
    assert web.replaces(deployment(), new)
    assert web.deletes_first(deployment(), new)
    assert not web.replaces(deployment(), deployment(replicas=5))
    with pytest.raises(KubernetesRefusedError, match=r"spec\.selector: field is immutable"):
        web.update(id, deployment(), new, outputs, cloud)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("Service", {"spec": {"clusterIP": "None"}}, {"spec": {"clusterIP": "10.0.0.1"}}),
        ("Job", {"spec": {"template": {"a": 1}}}, {"spec": {"template": {"a": 2}}}),
        ("StatefulSet", {"spec": {"serviceName": "a"}}, {"spec": {"serviceName": "b"}}),
        ("RoleBinding", {"roleRef": {"name": "a"}}, {"roleRef": {"name": "b"}}),
        ("StorageClass", {"provisioner": "a"}, {"provisioner": "b"}),
        ("Secret", {"type": "Opaque"}, {"type": "kubernetes.io/tls"}),
        ("ConfigMap", {"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}),
    ],
)
def test_the_fields_that_nobody_may_change(
    kind: str, old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert driver(kind).replaces(old, new)
    assert not driver(kind).replaces(old, dict(old))


def test_a_namespace_takes_along_all_that_is_in_it(cloud: Cloud) -> None:
    id = namespace(cloud)
    web, outputs = driver("Deployment").create("web", deployment(), cloud)
    driver("Namespace").delete(id, {}, {}, cloud)
    assert cloud.kubernetes.count() == 0
    driver("Deployment").delete(web, deployment(), outputs, cloud)


def test_secrets_are_not_kept_beside_the_states(cloud: Cloud) -> None:
    inputs = {
        "metadata": {"name": "database", "namespace": namespace(cloud)},
        "stringData": {"password": "hunter2-hunter2"},
    }
    driver("Secret").create("database", inputs, cloud)
    assert b"hunter2" not in cloud.kubernetes.file.read_bytes()
