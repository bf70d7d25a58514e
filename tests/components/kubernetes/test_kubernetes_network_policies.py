"""A tenant's pods reach what they need and nothing else, as Kubernetes reads the policies."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from kubernetes_programs import SERVICES

from components.kubernetes.network_policies import bootstrap_policy, tenant_policies

NETWORKS = {
    "load_balancer_networks": ("10.0.0.0/22",),
    "database_networks": ("10.0.12.0/24",),
    "endpoint_networks": ("10.0.0.0/16",),
}
POLICIES = tenant_policies(SERVICES, **NETWORKS)
ORDERS = {"app.kubernetes.io/name": "orders", "app.kubernetes.io/component": "service"}
IMPORTER = {"app.kubernetes.io/name": "importer", "app.kubernetes.io/component": "service"}
POOLER = {"app.kubernetes.io/name": "pooler", "app.kubernetes.io/component": "pooler"}
STRANGER = {"app.kubernetes.io/name": "debug"}
DNS = ("kube-system", {"k8s-app": "kube-dns"})


def allowed(
    direction: str, pod: dict[str, str], peer: Any, port: int, protocol: str = "TCP"
) -> bool:
    """Whether the policies let a pod talk to a pod, a (namespace, pod) or an address."""
    governing = [
        policy
        for policy in POLICIES.values()
        if direction in policy["policyTypes"] and _selects(policy["podSelector"], pod)
    ]
    assert governing, "a pod that no policy governs may do anything"
    return any(
        {"protocol": protocol, "port": port} in rule["ports"]
        and any(_is_peer(candidate, peer) for candidate in rule["to" if "to" in rule else "from"])
        for policy in governing
        for rule in policy.get(direction.lower(), [])
    )


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items()


def _is_peer(candidate: dict[str, Any], peer: Any) -> bool:
    if isinstance(peer, str):
        block = candidate.get("ipBlock")
        return (
            block is not None
            and _within(peer, block["cidr"])
            and not any(_within(peer, excepted) for excepted in block.get("except", []))
        )
    namespace, labels = peer if isinstance(peer, tuple) else (None, peer)
    if "podSelector" not in candidate or not _selects(candidate["podSelector"], labels):
        return False
    wanted = candidate.get("namespaceSelector")
    if wanted is None:
        return namespace is None
    return bool(wanted["matchLabels"] == {"kubernetes.io/metadata.name": namespace})


def _within(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
@pytest.mark.parametrize("pod", [ORDERS, IMPORTER, POOLER, STRANGER])
def test_every_pod_is_governed_in_both_directions_and_denied_other_networks(direction, pod):
    for address in ("169.254.169.254", "10.9.0.1", "172.20.0.1", "192.168.1.1", "100.64.0.1"):
        for port in (22, 80, 443, 5432, 6432, 8080):
            assert not allowed(direction, pod, address, port)
    for port in (22, 80, 5432, 6432, 8080):
        assert not allowed(direction, pod, "203.0.113.9", port)
    assert not allowed("Ingress", pod, "203.0.113.9", 443)


def test_services_alone_reach_public_addresses_and_by_https_only():
    assert allowed("Egress", ORDERS, "203.0.113.9", 443)
    assert not allowed("Egress", POOLER, "203.0.113.9", 443)
    assert not allowed("Egress", STRANGER, "203.0.113.9", 443)


@pytest.mark.parametrize("pod", [ORDERS, POOLER, STRANGER])
@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_every_pod_resolves_names(pod, protocol):
    assert allowed("Egress", pod, DNS, 53, protocol)
    assert not allowed("Egress", pod, ("kube-system", {"k8s-app": "other"}), 53, protocol)
    assert not allowed("Egress", pod, ("tenant-other", {"k8s-app": "kube-dns"}), 53, protocol)


def test_the_load_balancer_reaches_routed_services_only_and_only_at_their_port():
    assert allowed("Ingress", ORDERS, "10.0.1.7", 8080)
    assert not allowed("Ingress", ORDERS, "10.0.1.7", 9000)
    assert not allowed("Ingress", ORDERS, "10.0.8.7", 8080)
    assert not allowed("Ingress", IMPORTER, "10.0.1.7", 9000)


def test_services_reach_each_other_but_no_pod_of_another_namespace_or_kind():
    assert allowed("Egress", ORDERS, IMPORTER, 9000)
    assert allowed("Ingress", IMPORTER, ORDERS, 9000)
    assert not allowed("Egress", ORDERS, ("tenant-other", IMPORTER), 9000)
    assert not allowed("Ingress", IMPORTER, STRANGER, 9000)


def test_services_reach_the_database_through_the_pooler_and_not_around_it():
    assert allowed("Egress", ORDERS, POOLER, 6432)
    assert allowed("Ingress", POOLER, ORDERS, 6432)
    assert allowed("Egress", POOLER, "10.0.12.8", 5432)
    assert not allowed("Egress", ORDERS, "10.0.12.8", 5432)
    assert not allowed("Ingress", POOLER, STRANGER, 6432)
    assert not allowed("Egress", POOLER, "10.0.11.8", 5432)


def test_services_get_credentials_and_reach_aws_but_the_pooler_does_not():
    assert allowed("Egress", ORDERS, "169.254.170.23", 80)
    assert allowed("Egress", ORDERS, "10.0.9.9", 443)
    assert not allowed("Egress", POOLER, "169.254.170.23", 80)
    assert not allowed("Egress", POOLER, "10.0.9.9", 443)


def test_no_rule_is_without_peers_or_ports_as_that_would_mean_all_of_them():
    rules = [
        rule
        for policy in [*POLICIES.values(), bootstrap_policy({"a": "b"}, **BOOTSTRAP)]
        for direction in ("ingress", "egress")
        for rule in policy.get(direction, [])
    ]
    assert rules
    assert all(rule.get("to") or rule.get("from") for rule in rules)
    assert all(rule["ports"] for rule in rules)


BOOTSTRAP = {key: NETWORKS[key] for key in ("database_networks", "endpoint_networks")}


@pytest.mark.parametrize("missing", NETWORKS)
def test_an_empty_list_of_networks_is_refused_as_it_would_allow_everything(missing):
    with pytest.raises(ValueError, match="would allow all"):
        tenant_policies(SERVICES, **{**NETWORKS, missing: ()})


def test_nothing_connects_to_a_bootstrap_job():
    policy = bootstrap_policy({"app.kubernetes.io/name": "x"}, **BOOTSTRAP)
    assert "Ingress" in policy["policyTypes"]
    assert "ingress" not in policy
