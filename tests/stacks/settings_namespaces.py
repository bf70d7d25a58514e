"""Namespaces: what a reviewer looks for."""

from __future__ import annotations

from settings_platform import held, pods, setting

from catalog.subnets import layout

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CREDENTIALS = "169.254.170.23/32"
"""Where a pod gets its role's credentials: EKS Pod Identity's agent on the node."""


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


held("Namespaces", "Pod Security enforces the restricted level", "namespaces-are-restricted")


held("Namespaces", "Pod Security audits the restricted level", "namespaces-are-restricted")


held("Namespaces", "Pod Security warns at the restricted level", "namespaces-are-restricted")


held(
    "Namespaces",
    "Nothing comes in and nothing goes out unless a policy says so",
    "traffic-is-denied-by-default",
)


held(
    "Namespaces",
    "Pods may ask the cluster's DNS, and no other resolver",
    "only-the-clusters-dns-answers",
)


@setting(
    "Namespaces",
    "From outside only the tenant's load balancer gets in, at its services' ports",
    "only-load-balancers-come-in",
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


@setting(
    "Namespaces",
    "Only the pooler reaches the database, and services reach only the pooler",
    "only-poolers-reach-databases",
)
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


@setting(
    "Namespaces",
    "Services reach AWS' endpoints, and of the internet HTTPS alone",
    "services-reach-https-alone",
)
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


@setting(
    "Namespaces",
    "Every tenant has a ResourceQuota that grants what it bought",
    "tenants-have-quotas",
)
def quota(platform):
    for tenant, _, _, each in platform.in_tenants("kubernetes:core/v1:ResourceQuota"):
        hard = each.inputs["spec"]["hard"]
        for key in ("requests.cpu", "requests.memory", "limits.memory", "requests.storage"):
            assert hard[key], each.urn
        assert int(hard["pods"]) >= tenant.quota.pods, each.urn
        yield each


held(
    "Namespaces",
    "Every tenant has a LimitRange for containers that ask for nothing",
    "containers-have-limits",
)


held(
    "Namespaces",
    "No pod mounts a service account's token, as none uses one",
    "no-tokens-are-mounted",
)


held(
    "Namespaces",
    "Every deployment has a PodDisruptionBudget that lets nodes drain",
    "deployments-let-nodes-drain",
)


@setting(
    "Namespaces",
    "Pods spread across zones; only a trial's may end up lopsided",
    "pods-spread-across-zones",
)
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


@setting(
    "Namespaces",
    "Every service has an autoscaler with floor, ceiling and stabilisation",
    "services-scale-within-bounds",
)
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
