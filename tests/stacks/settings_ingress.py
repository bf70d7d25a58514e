"""Ingress: what a reviewer looks for, for every tenant."""

from __future__ import annotations

import ipaddress

from settings_platform import held, refers_to, setting

BALANCER = "aws:lb/loadBalancer:LoadBalancer"


def networks(addresses):
    """Networks joined, so that halves of one count as the whole."""
    parsed = [ipaddress.ip_network(each) for each in addresses]
    return {
        network
        for version in (4, 6)
        for network in ipaddress.collapse_addresses(n for n in parsed if n.version == version)
    }


held("Ingress", "Load balancers send to pods' own addresses", "balancers-send-to-pods")


held("Ingress", "TLS 1.2 is the least and TLS 1.3 preferred", "tls-is-recent")


held("Ingress", "HTTP is redirected to HTTPS", "http-is-redirected")


held("Ingress", "Idle time-outs suit web sockets", "idle-time-outs-suit-web-sockets")


@setting(
    "Ingress",
    "Every load balancer writes access logs to the cell's bucket",
    "balancers-write-access-logs",
)
def access_logs(platform):
    for _, cell, _, balancer in platform.in_tenants(BALANCER):
        logs = balancer.inputs["accessLogs"]
        assert logs["enabled"] is True, balancer.urn
        bucket = platform.graphs[f"cell.{cell.name}"].named("load-balancer-logs-bucket")
        assert logs["bucket"] == bucket.inputs["bucket"], balancer.urn
        yield balancer


@setting(
    "Ingress",
    "Security groups let in exactly the tenant's, the cell's and the offices' networks",
    "balancers-take-the-allow-list-alone",
)
def security_groups(platform):
    for tenant, cell, graph in platform.tenants:
        allowed = networks(e.cidr for e in platform.catalog.tenant_allow_list(tenant, cell))
        (balancer,) = graph.of_type(BALANCER)
        lists = set()
        for rule in graph.of_type("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
            if rule.inputs["securityGroupId"] in balancer.inputs["securityGroups"]:
                assert rule.inputs["fromPort"] == rule.inputs["toPort"] in (80, 443), rule.urn
                lists.add(rule.inputs["prefixListId"])
        found = [
            refers_to(graph, each, "aws:ec2/managedPrefixList:ManagedPrefixList") for each in lists
        ]
        given = networks(entry["cidr"] for each in found for entry in each.inputs["entries"])
        assert given == allowed, balancer.urn
        yield from found


held(
    "Ingress",
    "WAF lets in exactly what the security groups do, from the same list",
    "firewalls-take-the-same-list",
)


held(
    "Ingress",
    "Every load balancer stands behind its firewall, and fails closed without it",
    "balancers-stand-behind-firewalls",
)


held("Ingress", "WAF applies managed rule groups", "firewalls-apply-managed-rules")


held("Ingress", "WAF limits each client's rate", "firewalls-limit-rates")


held(
    "Ingress",
    "X-Forwarded-For decides nothing: addresses are those of the connections",
    "forwarded-addresses-decide-nothing",
)


@setting(
    "Ingress",
    "Every hostname of a tenant is in its certificate and points at its load balancer",
    "hostnames-are-certified",
)
def hostnames(platform):
    for tenant, _, graph in platform.tenants:
        (certificate,) = graph.of_type("aws:acm/certificate:Certificate")
        names = {
            certificate.inputs["domainName"],
            *(certificate.inputs.get("subjectAlternativeNames") or ()),
        }
        assert names == set(tenant.hostnames), certificate.urn
        for hostname in tenant.hostnames:
            record = graph.named(f"{tenant.name}-route-{hostname}")
            (alias,) = record.inputs["aliases"]
            refers_to(graph, alias["name"], BALANCER)
            yield record
