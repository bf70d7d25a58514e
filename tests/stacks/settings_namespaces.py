"""Namespaces: what a reviewer looks for."""

from __future__ import annotations

from settings_platform import has, pods, setting

from catalog.subnets import layout

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
LEVEL = "pod-security.kubernetes.io"
CREDENTIALS = "169.254.170.23/32"
"""Where a pod gets its role's credentials: EKS Pod Identity's agent on the node."""


def levels(platform, mode):
    for _, namespace in platform.everywhere("kubernetes:core/v1:Namespace"):
        labels = namespace.inputs["metadata"]["labels"]
        assert labels.get(f"{LEVEL}/{mode}") == "restricted", namespace.urn
        assert labels.get(f"{LEVEL}/{mode}-version", "latest") != "latest", namespace.urn
        yield namespace


def tenant_policies(platform):
    for tenant, cell, graph in platform.tenants:
        yield (
            tenant,
            cell,
            {
                each.inputs["metadata"]["name"]: each
                for each in graph.of_type(POLICY)
                if each.inputs["metadata"]["namespace"] == f"tenant-{tenant.name}"
            },
        )


def blocks(peers):
    return {peer["ipBlock"]["cidr"] for peer in peers if "ipBlock" in peer}


@setting("Namespaces", "Pod Security enforces the restricted level")
def enforced(platform):
    yield from levels(platform, "enforce")


@setting("Namespaces", "Pod Security audits the restricted level")
def audited(platform):
    yield from levels(platform, "audit")


@setting("Namespaces", "Pod Security warns at the restricted level")
def warned(platform):
    yield from levels(platform, "warn")


@setting("Namespaces", "Nothing comes in and nothing goes out unless a policy says so")
def default_deny(platform):
    for _, _, policies in tenant_policies(platform):
        policy = policies["default-deny"]
        spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        yield has(policy, spec=spec)


@setting("Namespaces", "Pods may ask the cluster's DNS, and no other resolver")
def dns(platform):
    for _, _, policies in tenant_policies(platform):
        policy = policies["allow-dns"]
        (rule,) = policy.inputs["spec"]["egress"]
        (peer,) = rule["to"]
        namespace = {"kubernetes.io/metadata.name": "kube-system"}
        assert peer["namespaceSelector"]["matchLabels"] == namespace, policy.urn
        assert peer["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}, policy.urn
        assert {port["port"] for port in rule["ports"]} == {53}, policy.urn
        yield policy


@setting(
    "Namespaces", "From outside only the tenant's load balancer gets in, at its services' ports"
)
def ingress(platform):
    for tenant, cell, policies in tenant_policies(platform):
        public = set(layout(cell.network.cidr, len(cell.zones)).public)
        for policy in policies.values():
            for rule in policy.inputs["spec"].get("ingress") or ():
                if not blocks(rule["from"]):
                    assert all("podSelector" in peer for peer in rule["from"]), policy.urn
                    assert not any("namespaceSelector" in p for p in rule["from"]), policy.urn
                    continue
                assert blocks(rule["from"]) == public, policy.urn
        for service, spec in tenant.services.items():
            if spec.path is not None:
                policy = policies[f"allow-load-balancer-to-{service}"]
                (rule,) = policy.inputs["spec"]["ingress"]
                assert [port["port"] for port in rule["ports"]] == [spec.port], policy.urn
                yield policy


@setting("Namespaces", "Only the pooler reaches the database, and services reach only the pooler")
def database(platform):
    for _, cell, policies in tenant_policies(platform):
        isolated = set(layout(cell.network.cidr, len(cell.zones)).isolated)
        for name, policy in policies.items():
            for rule in policy.inputs["spec"].get("egress") or ():
                if blocks(rule["to"]) & isolated:
                    assert name == "allow-pooler", policy.urn
                    assert [port["port"] for port in rule["ports"]] == [5432], policy.urn
        yield policies["allow-pooler"]
        yield policies["allow-services-to-pooler"]


@setting("Namespaces", "Services reach AWS' endpoints, and of the internet HTTPS alone")
def endpoints(platform):
    for _, cell, policies in tenant_policies(platform):
        private = set(layout(cell.network.cidr, len(cell.zones)).private)
        policy = policies["allow-services-to-aws"]
        reached = set().union(*(blocks(rule["to"]) for rule in policy.inputs["spec"]["egress"]))
        assert reached == private | {CREDENTIALS}, policy.urn
        yield policy
        internet = policies["allow-services-to-internet"]
        (rule,) = internet.inputs["spec"]["egress"]
        assert [port["port"] for port in rule["ports"]] == [443], internet.urn
        (peer,) = rule["to"]
        assert {"10.0.0.0/8", "169.254.0.0/16"} <= set(peer["ipBlock"]["except"]), internet.urn
        yield internet


@setting("Namespaces", "Every tenant has a ResourceQuota that grants what it bought")
def quota(platform):
    for tenant, _, _, each in platform.in_tenants("kubernetes:core/v1:ResourceQuota"):
        hard = each.inputs["spec"]["hard"]
        for key in ("requests.cpu", "requests.memory", "limits.memory", "requests.storage"):
            assert hard[key], each.urn
        assert int(hard["pods"]) >= tenant.quota.pods, each.urn
        yield each


@setting("Namespaces", "Every tenant has a LimitRange for containers that ask for nothing")
def limits(platform):
    for _, _, _, each in platform.in_tenants("kubernetes:core/v1:LimitRange"):
        (limit,) = each.inputs["spec"]["limits"]
        assert limit["type"] == "Container", each.urn
        assert limit["default"]["memory"], each.urn
        yield each


@setting("Namespaces", "No pod mounts a service account's token, as none uses one")
def tokens(platform):
    for graph in platform.graphs.values():
        for resource, pod in pods(graph):
            assert pod["automountServiceAccountToken"] is False, resource.urn
            yield resource
        for account in graph.of_type("kubernetes:core/v1:ServiceAccount"):
            yield has(account, automountServiceAccountToken=False)


def companions(platform, type):
    """Each of a tenant's deployments with the object of a type that bears its name."""
    for _, _, graph in platform.tenants:
        named = {each.inputs["metadata"]["name"]: each for each in graph.of_type(type)}
        for deployment in graph.of_type(DEPLOYMENT):
            name = deployment.inputs["metadata"]["name"]
            yield graph, deployment, named.get(name)


@setting("Namespaces", "Every deployment has a PodDisruptionBudget that lets nodes drain")
def disruption(platform):
    for _, deployment, budget in companions(platform, "kubernetes:policy/v1:PodDisruptionBudget"):
        assert budget is not None, deployment.urn
        spec = budget.inputs["spec"]
        assert spec["maxUnavailable"] == 1, budget.urn
        assert spec["selector"] == deployment.inputs["spec"]["selector"], budget.urn
        yield budget


@setting("Namespaces", "Pods spread across zones; only a trial's may end up lopsided")
def spread(platform):
    for tenant, _, graph in platform.tenants:
        must = "ScheduleAnyway" if tenant.tier == "trial" else "DoNotSchedule"
        for deployment, pod in pods(graph):
            if deployment.type != DEPLOYMENT:
                continue
            (zones,) = [
                each
                for each in pod["topologySpreadConstraints"]
                if each["topologyKey"] == "topology.kubernetes.io/zone"
            ]
            assert (zones["maxSkew"], zones["whenUnsatisfiable"]) == (1, must), deployment.urn
            yield deployment


@setting("Namespaces", "Every service has an autoscaler with floor, ceiling and stabilisation")
def autoscalers(platform):
    scaler = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
    for tenant, _, graph in platform.tenants:
        found = {each.inputs["metadata"]["name"]: each for each in graph.of_type(scaler)}
        assert set(found) == set(tenant.services), graph.stack
        for name, each in found.items():
            spec, service = each.inputs["spec"], tenant.services[name]
            assert spec["minReplicas"] == service.minimum_replicas, each.urn
            assert spec["maxReplicas"] == service.maximum_replicas, each.urn
            behavior = spec["behavior"]
            assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 300, each.urn
            assert "stabilizationWindowSeconds" in behavior["scaleUp"], each.urn
            yield each
