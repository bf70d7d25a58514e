"""Ingress: what a reviewer looks for, for every tenant."""

from __future__ import annotations

import ipaddress

from settings_platform import has, refers_to, setting

BALANCER = "aws:lb/loadBalancer:LoadBalancer"
LISTENER = "aws:lb/listener:Listener"
ACL = "aws:wafv2/webAcl:WebAcl"
POLICIES = {"ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"}
"""TLS 1.2 and 1.3, nothing older.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""
MANAGED = {
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
}


def networks(addresses):
    """Networks joined, so that halves of one count as the whole."""
    parsed = [ipaddress.ip_network(each) for each in addresses]
    return {
        network
        for version in (4, 6)
        for network in ipaddress.collapse_addresses(n for n in parsed if n.version == version)
    }


@setting("Ingress", "Load balancers send to pods' own addresses")
def ip_mode(platform):
    for _, _, _, group in platform.in_tenants("aws:lb/targetGroup:TargetGroup"):
        yield has(group, targetType="ip")
    binding = "kubernetes:elbv2.k8s.aws/v1beta1:TargetGroupBinding"
    for _, _, graph, each in platform.in_tenants(binding):
        assert each.inputs["spec"]["targetType"] == "ip", each.urn
        refers_to(graph, each.inputs["spec"]["targetGroupARN"], "aws:lb/targetGroup:TargetGroup")
        yield each


@setting("Ingress", "TLS 1.2 is the least and TLS 1.3 preferred")
def tls(platform):
    for tenant, _, graph in platform.tenants:
        found = [each for each in graph.of_type(LISTENER) if each.inputs["protocol"] == "HTTPS"]
        assert found, tenant.name
        for listener in found:
            assert listener.inputs["sslPolicy"] in POLICIES, listener.urn
            yield listener


@setting("Ingress", "HTTP is redirected to HTTPS")
def redirected(platform):
    for tenant, _, graph in platform.tenants:
        found = [each for each in graph.of_type(LISTENER) if each.inputs["protocol"] == "HTTP"]
        assert found, tenant.name
        for listener in found:
            (action,) = listener.inputs["defaultActions"]
            assert action["type"] == "redirect", listener.urn
            assert action["redirect"]["protocol"] == "HTTPS", listener.urn
            yield listener


@setting("Ingress", "Idle time-outs suit web sockets")
def idle(platform):
    for _, _, _, balancer in platform.in_tenants(BALANCER):
        assert balancer.inputs["idleTimeout"] >= 3600, balancer.urn
        yield balancer


@setting("Ingress", "Every load balancer writes access logs to the cell's bucket")
def access_logs(platform):
    for _, cell, _, balancer in platform.in_tenants(BALANCER):
        logs = balancer.inputs["accessLogs"]
        assert logs["enabled"] is True, balancer.urn
        bucket = platform.graphs[f"cell.{cell.name}"].named("load-balancer-logs-bucket")
        assert logs["bucket"] == bucket.inputs["bucket"], balancer.urn
        yield balancer


@setting(
    "Ingress", "Security groups let in exactly the tenant's, the cell's and the offices' networks"
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


@setting("Ingress", "WAF lets in exactly what the security groups do, from the same list")
def firewall_lists(platform):
    for tenant, cell, graph in platform.tenants:
        allowed = networks(e.cidr for e in platform.catalog.tenant_allow_list(tenant, cell))
        (acl,) = graph.of_type(ACL)
        first = min(acl.inputs["rules"], key=lambda rule: rule["priority"])
        assert first["action"] == {"block": {}}, acl.urn
        statement = first["statement"]["notStatement"]["statement"]
        references = statement.get("orStatement", {}).get("statements", [statement])
        sets = [
            refers_to(graph, each["ipSetReferenceStatement"]["arn"], "aws:wafv2/ipSet:IpSet")
            for each in references
        ]
        given = networks(address for each in sets for address in each.inputs["addresses"])
        assert given == allowed, acl.urn
        yield from (acl, *sets)


@setting("Ingress", "Every load balancer stands behind its firewall, and fails closed without it")
def associated(platform):
    for _, _, graph, balancer in platform.in_tenants(BALANCER):
        (association,) = graph.of_type("aws:wafv2/webAclAssociation:WebAclAssociation")
        assert refers_to(graph, association.inputs["resourceArn"], BALANCER) is balancer
        refers_to(graph, association.inputs["webAclArn"], ACL)
        yield has(balancer, enableWafFailOpen=False)


@setting("Ingress", "WAF applies managed rule groups")
def managed_rules(platform):
    for _, _, _, acl in platform.in_tenants(ACL):
        found = set()
        for rule in acl.inputs["rules"]:
            group = rule["statement"].get("managedRuleGroupStatement")
            if group:
                assert rule["overrideAction"] == {"none": {}}, acl.urn
                found.add(group["name"])
        assert found >= MANAGED, acl.urn
        yield acl


@setting("Ingress", "WAF limits each client's rate")
def rate(platform):
    for _, _, _, acl in platform.in_tenants(ACL):
        (limit,) = [
            rule for rule in acl.inputs["rules"] if "rateBasedStatement" in rule["statement"]
        ]
        assert limit["action"] == {"block": {}}, acl.urn
        assert limit["statement"]["rateBasedStatement"]["aggregateKeyType"] == "IP", acl.urn
        yield acl


@setting("Ingress", "X-Forwarded-For decides nothing: addresses are those of the connections")
def forwarded_for(platform):
    for _, _, _, balancer in platform.in_tenants(BALANCER):
        yield has(balancer, xffHeaderProcessingMode="append", dropInvalidHeaderFields=True)
    for _, _, _, acl in platform.in_tenants(ACL):
        assert "forwardedIpConfig" not in repr(acl.inputs), acl.urn
        assert "ipSetForwardedIpConfig" not in repr(acl.inputs), acl.urn
        yield acl


@setting(
    "Ingress", "Every hostname of a tenant is in its certificate and points at its load balancer"
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
