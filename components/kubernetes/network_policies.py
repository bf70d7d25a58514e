"""What pods may talk to: nothing, and then exactly what each part of a tenant needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.children import child_options
from components.kubernetes.objects import KubernetesObject
from components.kubernetes.pooler_config import PORT as POOLER_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.tenant import Service

POD_IDENTITY_AGENT = "169.254.170.23/32"
"""Where EKS's agent on each node hands out IAM credentials, on port 80."""
PRIVATE_NETWORKS = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
)
"""Addresses that are never public (RFC 1918, 6598, 1122, 3927)."""
SERVICES = {"app.kubernetes.io/component": "service"}
POOLER = {"app.kubernetes.io/component": "pooler"}

Policy = dict[str, Any]
"""A NetworkPolicy's spec."""


class NetworkPolicies(pulumi.ComponentResource):
    """A tenant's network policies: everything is denied but what is listed here."""

    def __init__(
        self,
        name: str,
        spec: Mapping[str, Service],
        *,
        namespace: pulumi.Input[str],
        load_balancer_networks: Sequence[str],
        database_networks: Sequence[str],
        endpoint_networks: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the policies for the services in `spec`.

        `load_balancer_networks` are the public subnets' ranges, as the load balancer reaches pods
        by their own addresses; `database_networks` the isolated subnets'; `endpoint_networks` the
        ranges in which AWS's interface endpoints answer on port 443.
        """
        super().__init__("patchworks:kubernetes:NetworkPolicies", name, None, opts)
        policies = tenant_policies(
            spec,
            load_balancer_networks=load_balancer_networks,
            database_networks=database_networks,
            endpoint_networks=endpoint_networks,
        )
        for part, policy in policies.items():
            KubernetesObject(
                f"{name}-{part}",
                "networking.k8s.io/v1",
                "NetworkPolicy",
                metadata={"name": part, "namespace": namespace},
                fields={"spec": policy},
                opts=child_options(self, opts),
            )
        self.register_outputs({})


def tenant_policies(
    services: Mapping[str, Service],
    *,
    load_balancer_networks: Sequence[str],
    database_networks: Sequence[str],
    endpoint_networks: Sequence[str],
) -> dict[str, Policy]:
    """Every policy of a tenant's namespace by name, the denial of everything first."""
    ports = sorted({service.port for service in services.values()})
    policies = {
        "default-deny": _policy({}, ingress=[], egress=[]),
        "allow-dns": _policy({}, egress=[dns()]),
        "allow-services": _policy(
            SERVICES,
            ingress=[{"from": [_pods(SERVICES)], "ports": _tcp(*ports)}],
            egress=[{"to": [_pods(SERVICES)], "ports": _tcp(*ports)}],
        ),
        "allow-services-to-pooler": _policy(
            SERVICES, egress=[{"to": [_pods(POOLER)], "ports": _tcp(POOLER_PORT)}]
        ),
        "allow-services-to-aws": _policy(
            SERVICES, egress=[endpoints(endpoint_networks), pod_identity()]
        ),
        "allow-services-to-internet": _policy(SERVICES, egress=[internet()]),
        "allow-pooler": _policy(
            POOLER,
            ingress=[{"from": [_pods(SERVICES)], "ports": _tcp(POOLER_PORT)}],
            egress=[databases(database_networks)],
        ),
    }
    for name, service in sorted(services.items()):
        if service.path is not None:
            policies[f"allow-load-balancer-to-{name}"] = _policy(
                {"app.kubernetes.io/name": name},
                ingress=[{"from": _networks(load_balancer_networks), "ports": _tcp(service.port)}],
            )
    return policies


def bootstrap_policy(
    selector: Mapping[str, str],
    *,
    database_networks: Sequence[str],
    endpoint_networks: Sequence[str],
) -> Policy:
    """The policy of the job that prepares a database: out to DNS, AWS and databases, never in."""
    return _policy(
        selector,
        ingress=[],
        egress=[
            dns(),
            endpoints(endpoint_networks),
            pod_identity(),
            databases(database_networks),
        ],
    )


def dns() -> dict[str, Any]:
    """An egress rule to the cluster's name servers."""
    peer = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    return {"to": [peer], "ports": [{"protocol": "UDP", "port": 53}, *_tcp(53)]}


def endpoints(networks: Sequence[str]) -> dict[str, Any]:
    """An egress rule to AWS's endpoints."""
    return {"to": _networks(networks), "ports": _tcp(443)}


def internet() -> dict[str, Any]:
    """An egress rule to public addresses by HTTPS: object storage, and what tenants integrate with.

    S3's gateway endpoint is a route to S3's public addresses, so the tenant's bucket is there too.
    """
    block = {"cidr": "0.0.0.0/0", "except": list(PRIVATE_NETWORKS)}
    return {"to": [{"ipBlock": block}], "ports": _tcp(443)}


def pod_identity() -> dict[str, Any]:
    """An egress rule to the agent that hands out a pod's IAM credentials."""
    return {"to": _networks([POD_IDENTITY_AGENT]), "ports": _tcp(80)}


def databases(networks: Sequence[str]) -> dict[str, Any]:
    """An egress rule to the database subnets."""
    return {"to": _networks(networks), "ports": _tcp(5432)}


def _policy(
    selector: Mapping[str, str],
    *,
    ingress: list[dict[str, Any]] | None = None,
    egress: list[dict[str, Any]] | None = None,
) -> Policy:
    """A spec that governs only the directions given; an empty list denies a direction."""
    policy: Policy = {
        "podSelector": {"matchLabels": dict(selector)} if selector else {},
        "policyTypes": [],
    }
    for direction, rules in (("Ingress", ingress), ("Egress", egress)):
        if rules is not None:
            policy["policyTypes"].append(direction)
            if rules:
                policy[direction.lower()] = rules
    return policy


def _pods(selector: Mapping[str, str]) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": dict(selector)}}


def _networks(networks: Sequence[str]) -> list[dict[str, Any]]:
    if not networks:
        # An empty list of peers means every peer to Kubernetes.
        raise ValueError("a network policy without networks would allow all of them; give one")
    return [{"ipBlock": {"cidr": network}} for network in networks]


def _tcp(*ports: int) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]
