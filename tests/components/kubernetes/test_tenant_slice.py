"""A tenant's slice in the cluster: hardened, spread, scaled, and silent about its secrets."""

from __future__ import annotations

import json

import pytest
from kubernetes_programs import (
    HOSTILE_PASSWORD,
    QUOTA,
    REGISTRY,
    SERVICES,
    objects,
    pod_specs,
    tenant_slice,
)
from psycopg.conninfo import conninfo_to_dict

from catalog.quantities import mebibytes, millicores
from components.aws.ingress import DEREGISTRATION_SECONDS
from components.kubernetes import pooler_config
from rehearsal.evaluation import evaluate_program
from rehearsal.values import Secret, redact, reveal


@pytest.fixture(scope="module")
def graph():
    return evaluate_program(tenant_slice())


@pytest.fixture(scope="module")
def manifests(graph):
    return objects(graph)


def test_pod_security_is_restricted_and_pinned_to_the_cell_s_version(manifests):
    labels = manifests["acme-namespace"]["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert labels[f"pod-security.kubernetes.io/{mode}-version"] == "v1.34"


def test_the_quota_is_what_the_tenant_bought_and_the_platform_s_own_need_on_top(manifests):
    hard = manifests["acme-quota"]["spec"]["hard"]
    pooler = pooler_config.MOST_PODS
    cpu = pooler * millicores(pooler_config.CPU) + millicores(SERVICES["importer"].cpu)
    memory = pooler * mebibytes(pooler_config.MEMORY) + mebibytes(SERVICES["importer"].memory)
    assert millicores(hard["requests.cpu"]) == millicores(QUOTA.cpu) + cpu
    assert mebibytes(hard["limits.memory"]) == mebibytes(QUOTA.memory) + memory
    assert hard["requests.memory"] == hard["limits.memory"]
    assert hard["pods"] == str(QUOTA.pods + pooler + 1)
    assert hard["services.loadbalancers"] == "0"
    assert hard["services.nodeports"] == "0"


def test_a_container_that_states_nothing_gets_defaults_that_the_quota_needs(manifests):
    (limit,) = manifests["acme-limits"]["spec"]["limits"]
    assert limit["type"] == "Container"
    assert limit["defaultRequest"].keys() == {"cpu", "memory"}
    assert limit["default"].keys() == {"memory"}


def test_no_pod_holds_a_token_a_privilege_or_a_writable_root(graph):
    for name, pod in pod_specs(graph).items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True, name
            assert security["allowPrivilegeEscalation"] is False, name
            assert security["capabilities"] == {"drop": ["ALL"]}, name


def test_every_image_comes_by_digest_from_the_organization_s_registry(graph):
    images = [c["image"] for pod in pod_specs(graph).values() for c in pod["containers"]]
    assert images
    for image in images:
        assert image.startswith(f"{REGISTRY}/")
        assert "@sha256:" in image


def test_memory_has_a_ceiling_and_cpu_has_none(graph):
    for pod in pod_specs(graph).values():
        for container in pod["containers"]:
            resources = container["resources"]
            assert resources["requests"].keys() == {"cpu", "memory"}
            assert resources["limits"] == {"memory": resources["requests"]["memory"]}


@pytest.mark.parametrize(
    ("tier", "when"), [("trial", "ScheduleAnyway"), ("enterprise", "DoNotSchedule")]
)
def test_zones_are_a_wish_for_a_trial_and_a_must_for_the_others(tier, when):
    for name, pod in pod_specs(evaluate_program(tenant_slice(tier=tier))).items():
        zone, host = pod["topologySpreadConstraints"]
        assert zone["topologyKey"] == "topology.kubernetes.io/zone"
        assert (zone["maxSkew"], zone["whenUnsatisfiable"]) == (1, when), name
        assert host["topologyKey"] == "kubernetes.io/hostname"
        assert pod["priorityClassName"] == f"patchworks-{tier}"


def test_objects_are_named_after_their_service(manifests):
    for part in ("service-account", "deployment", "service", "autoscaler", "disruption-budget"):
        assert manifests[f"acme-orders-{part}"]["metadata"]["name"] == "orders"


def test_the_autoscaler_alone_decides_the_number_of_replicas(manifests):
    for name, spec in SERVICES.items():
        assert "replicas" not in manifests[f"acme-{name}-deployment"]["spec"]
        autoscaler = manifests[f"acme-{name}-autoscaler"]["spec"]
        assert autoscaler["scaleTargetRef"]["name"] == name
        assert autoscaler["minReplicas"] == spec.minimum_replicas
        assert autoscaler["maxReplicas"] == spec.maximum_replicas
        assert autoscaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] > 0


def test_a_suspended_tenant_keeps_all_but_the_pods_of_its_services(manifests):
    suspended = objects(evaluate_program(tenant_slice(suspended=True)))
    assert suspended.keys() == manifests.keys()
    different = {name for name in manifests if suspended[name] != manifests[name]}
    assert different == {f"acme-{name}-deployment" for name in SERVICES}
    assert {suspended[name]["spec"]["replicas"] for name in different} == {0}
    # The field is the autoscaler's by then: it is taken by force, or the API server refuses.
    force = {"pulumi.com/patchForce": "true"}
    assert all(suspended[name]["metadata"]["annotations"] == force for name in different)


def test_a_drain_always_gets_through_even_with_a_single_replica(manifests):
    budgets = [m["spec"] for m in manifests.values() if m["kind"] == "PodDisruptionBudget"]
    assert len(budgets) == len(SERVICES) + 1
    assert all(budget["maxUnavailable"] == 1 for budget in budgets)
    assert not any("minAvailable" in budget for budget in budgets)


def test_a_pod_is_deregistered_before_it_is_told_to_stop(graph):
    pod = pod_specs(graph)["acme-orders-deployment"]
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep >= 10
    assert sleep + DEREGISTRATION_SECONDS < pod["terminationGracePeriodSeconds"]


def test_probes_ask_the_service_s_own_health_path(graph):
    container = pod_specs(graph)["acme-importer-deployment"]["containers"][0]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/ready", "port": "http"}


def test_selectors_find_the_pods_they_mean(manifests):
    for name, manifest in manifests.items():
        if manifest["kind"] == "Deployment":
            labels = manifest["spec"]["template"]["metadata"]["labels"]
            assert manifest["spec"]["selector"]["matchLabels"].items() <= labels.items(), name
            service = manifests[name.replace("deployment", "service")]
            assert service["spec"]["selector"].items() <= labels.items(), name


def test_only_routed_services_are_bound_to_a_target_group(manifests):
    bindings = [m for m in manifests.values() if m["kind"] == "TargetGroupBinding"]
    # With the port, as in the target group's name: a binding never changes to another group.
    assert [binding["metadata"]["name"] for binding in bindings] == ["orders-8080"]
    spec = bindings[0]["spec"]
    assert (spec["targetType"], spec["ipAddressType"]) == ("ip", "ipv4")
    assert spec["serviceRef"] == {"name": "orders", "port": 8080}
    assert "networking" not in spec, "the controller would change security groups by itself"


def test_the_database_secret_opens_the_tenant_s_database_by_way_of_the_pooler(graph, manifests):
    values = manifests["acme-database-secret"]["stringData"]
    assert conninfo_to_dict(values["DATABASE_URL"]) == {
        "host": "pooler.tenant-acme.svc.cluster.local",
        "port": "6432",
        "user": "acme_app",
        "password": HOSTILE_PASSWORD,
        "dbname": "acme",
    }
    assert conninfo_to_dict(values["DATABASE_READ_URL"])["dbname"] == "acme_read"
    assert values["DATABASE_PASSWORD"] == HOSTILE_PASSWORD
    assert graph.exports["pooler"] == "pooler.tenant-acme.svc.cluster.local"


def test_the_pooler_leads_to_the_writer_and_under_a_second_name_to_the_reader(manifests):
    ini = manifests["acme-pooler-config"]["stringData"]["pgbouncer.ini"]
    assert "\nacme = host='pool-a.cluster-x." in ini
    assert "\nacme_read = host='pool-a.cluster-ro-x." in ini
    assert HOSTILE_PASSWORD not in ini


def test_the_pooler_runs_from_a_copy_that_a_move_can_rewrite_in_place(graph):
    pod = pod_specs(graph)["acme-pooler-deployment"]
    (container,) = pod["containers"]
    writable = {m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")}
    assert writable == {"/run/pgbouncer"}
    assert container["command"][-1].endswith("exec pgbouncer /run/pgbouncer/pgbouncer.ini")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["running"]["emptyDir"]["medium"] == "Memory"


def test_secrets_are_marked_in_the_graph(graph):
    marked = graph.named("acme-pooler-config").inputs["stringData"]
    assert all(isinstance(value, Secret) for value in marked.values())
    assert "stringData" in graph.named("acme-pooler-config").additional_secret_outputs
    assert len(graph.named("acme-database-secret").secrets) == 7


def test_the_password_is_nowhere_in_clear(graph):
    shown = json.dumps(
        [[redact(r.inputs), redact(r.outputs)] for r in graph.resources.values()]
        + [redact(graph.exports)]
    )
    for form in (HOSTILE_PASSWORD, json.dumps(HOSTILE_PASSWORD)[1:-1], "a%21b%40c"):
        assert form not in shown


def test_a_new_password_rolls_the_pooler_and_the_services_and_an_old_one_does_not():
    def annotations(password):
        graph = evaluate_program(tenant_slice(password=password))
        return {
            name: reveal(graph.named(name).inputs)["spec"]["template"]["metadata"]["annotations"]
            for name in ("acme-pooler-deployment", "acme-orders-deployment")
        }

    first, again, other = annotations("one"), annotations("one"), annotations("two")
    assert first == again
    assert all(first[name] != other[name] for name in first)


def test_everything_in_the_namespace_waits_for_it(graph):
    namespace = graph.named("acme-namespace").urn
    inside = [
        resource
        for resource in graph.resources.values()
        if resource.inputs.get("metadata", {}).get("namespace")
    ]
    assert len(inside) > 20
    assert [r.name for r in inside if namespace not in r.dependencies] == []


def test_services_start_after_the_secret_they_read(graph):
    secret = graph.named("acme-database-secret").urn
    assert secret in graph.named("acme-orders-deployment").dependencies
