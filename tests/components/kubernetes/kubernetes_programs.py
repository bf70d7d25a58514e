"""Small programs that put the Kubernetes components on a graph, and ways to read objects off it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes
from pulumi_random import Provider as RandomProvider
from pulumi_random import RandomPassword

from catalog.cell import Kubernetes, NodePool
from catalog.organization import Signer
from catalog.tenant import Company, CompanyRole, Quota, Service
from components.kubernetes.access import CompanyAccess
from components.kubernetes.database_bootstrap import NAMESPACE, DatabaseBootstrap
from components.kubernetes.database_secret import DatabaseSecret
from components.kubernetes.image_signatures import ImageSignatures
from components.kubernetes.karpenter import Karpenter
from components.kubernetes.load_balancer_controller import LoadBalancerController
from components.kubernetes.namespace import SystemNamespace, TenantNamespace
from components.kubernetes.network_policies import NetworkPolicies
from components.kubernetes.pooler import Pooler
from components.kubernetes.priority_classes import PriorityClasses
from components.kubernetes.storage_class import StorageClass
from components.kubernetes.target_group_binding import TargetGroupBinding
from components.kubernetes.workload import Workload
from rehearsal.values import reveal

if TYPE_CHECKING:
    from collections.abc import Callable

    from rehearsal.graph import Graph, Resource

REGISTRY = "000000000000.dkr.ecr.eu-west-1.amazonaws.com"
HOSTILE_PASSWORD = "a!b@c$d()e*_,/:;=?\"'\\% "
SERVICES = {
    "orders": Service(
        image="acme/orders@sha256:" + "1" * 64,
        port=8080,
        cpu="250m",
        memory="512Mi",
        path="/",
        minimum_replicas=2,
        maximum_replicas=6,
    ),
    "importer": Service(
        image="acme/importer@sha256:" + "2" * 64,
        port=9000,
        cpu="1",
        memory="1Gi",
        minimum_replicas=1,
        maximum_replicas=1,
        health_path="/ready",
    ),
}
QUOTA = Quota(cpu="8", memory="16Gi", pods=30, database_connections=40)
COMPANY = Company(
    legal_name="Acme GmbH",
    country="DE",
    contact="it@acme.example",
    roles={
        "support": CompanyRole(group="support@acme.example", rights="view"),
        "developers": CompanyRole(group="developers@acme.example", rights="operate"),
        "owners": CompanyRole(group="owners@acme.example", rights="administer"),
    },
)
CLUSTER = Kubernetes(
    version="1.34",
    system_nodes=NodePool(instance_types=("m7g.large",), minimum=3, maximum=6),
    node_pools={
        "general": NodePool(
            instance_types=("m7g.large", "m7g.2xlarge"), minimum=3, maximum=20, disk_gib=60
        ),
        "spare": NodePool(instance_types=("c7g.xlarge",), minimum=0, maximum=5, capacity="spot"),
    },
)


def kubernetes() -> pulumi.ResourceOptions:
    """Options as a stack gives them: the cluster's provider, and something to wait for."""
    provider = pulumi_kubernetes.Provider("cluster", kubeconfig="{}")
    awaited = StorageClass(
        "awaited",
        key_arn="arn:aws:kms:eu-west-1:000000000000:key/0",
        opts=pulumi.ResourceOptions(providers={"kubernetes": provider}),
    )
    return pulumi.ResourceOptions(providers={"kubernetes": provider}, depends_on=[awaited])


def tenant_slice(
    password: str | None = HOSTILE_PASSWORD, tier: str = "standard", *, suspended: bool = False
) -> Callable[[], dict[str, Any]]:
    """A slice's Kubernetes half; without a password one is drawn, and known only afterwards."""

    def program() -> dict[str, Any]:
        options = kubernetes()
        secret: pulumi.Input[str] = pulumi.Output.secret(password or "")
        if password is None:
            random = RandomProvider("random")
            secret = RandomPassword(
                "password", length=32, opts=pulumi.ResourceOptions(provider=random)
            ).result
        namespace = TenantNamespace(
            "acme",
            QUOTA,
            namespace="tenant-acme",
            tenant="acme",
            services=SERVICES,
            kubernetes_version=CLUSTER.version,
            opts=options,
        ).namespace_name
        NetworkPolicies(
            "acme-network",
            SERVICES,
            namespace=namespace,
            load_balancer_networks=("10.0.0.0/22", "10.0.4.0/22"),
            database_networks=("10.0.12.0/24", "10.0.13.0/24"),
            endpoint_networks=("10.0.0.0/16",),
            opts=options,
        )
        pooler = Pooler(
            "acme-pooler",
            QUOTA,
            tenant="acme",
            tier=tier,
            namespace=namespace,
            image=f"{REGISTRY}/mirror/pgbouncer@sha256:{'1' * 64}",
            writer_endpoint="pool-a.cluster-x.eu-west-1.rds.amazonaws.com",
            reader_endpoint="pool-a.cluster-ro-x.eu-west-1.rds.amazonaws.com",
            database_port=5432,
            database_name="acme",
            application_role="acme_app",
            application_password=secret,
            opts=options,
        )
        database = DatabaseSecret(
            "acme-database",
            tenant="acme",
            namespace=namespace,
            pooler_host=pooler.host,
            pooler_port=pooler.port,
            database_name="acme",
            application_role="acme_app",
            application_password=secret,
            opts=options,
        )
        for service, spec in SERVICES.items():
            workload = Workload(
                f"acme-{service}",
                spec,
                service=service,
                tenant="acme",
                tier=tier,
                namespace=namespace,
                registry=REGISTRY,
                database_secret=database.secret_name,
                database_checksum=database.checksum,
                suspended=suspended,
                opts=options,
            )
            if spec.path is not None:
                TargetGroupBinding(
                    f"acme-{service}-target",
                    spec,
                    namespace=namespace,
                    service_name=workload.service_name,
                    target_group_arn="arn:aws:elasticloadbalancing:eu-west-1:000000000000:t/o/1",
                    opts=options,
                )
        CompanyAccess("acme-access", COMPANY, namespace=namespace, opts=options)
        return {"pooler": pooler.host, "port": pooler.port}

    return program


def cell() -> dict[str, Any]:
    """What lives in a cell's cluster before any tenant does."""
    options = kubernetes()
    key_arn = "arn:aws:kms:eu-west-1:000000000000:key/1"
    PriorityClasses("priority", opts=options)
    StorageClass("storage", key_arn=key_arn, opts=options)
    LoadBalancerController(
        "load-balancers",
        CLUSTER,
        cluster_name="acme-prod",
        region="eu-west-1",
        vpc_id="vpc-1",
        registry=REGISTRY,
        opts=options,
    )
    Karpenter(
        "karpenter",
        CLUSTER,
        cluster_name="acme-prod",
        cluster_endpoint="https://cluster.example",
        interruption_queue="acme-prod-interruptions",
        instance_profile="acme-prod-karpenter-nodes",
        subnet_ids=["subnet-1", "subnet-2"],
        security_group_ids=["sg-nodes"],
        key_arn=key_arn,
        bottlerocket_version="1.55.0-d93bb1b1",
        tags={"cell": "prod-eu-west-1"},
        registry=REGISTRY,
        pause_image=f"{REGISTRY}/mirror/pause@sha256:{'4' * 64}",
        opts=options,
    )
    ImageSignatures(
        "signatures",
        CLUSTER,
        registry=REGISTRY,
        signers={
            "platform": Signer(
                issuer="https://token.actions.githubusercontent.com",
                subject="https://github.com/acme/services/.github/workflows/release.yml@refs/heads/main",
            )
        },
        opts=options,
    )
    namespace = SystemNamespace("bootstrap", CLUSTER, namespace=NAMESPACE, opts=options)
    DatabaseBootstrap(
        "pool-a-bootstrap",
        database="pool-a",
        namespace=namespace.namespace_name,
        writer_endpoint="pool-a.cluster-x.eu-west-1.rds.amazonaws.com",
        port=5432,
        master_secret_arn="arn:aws:secretsmanager:eu-west-1:000000000000:secret:rds-1",
        mover_secret_arn="arn:aws:secretsmanager:eu-west-1:000000000000:secret:mover-1",
        region="eu-west-1",
        database_networks=("10.0.12.0/24",),
        endpoint_networks=("10.0.0.0/16",),
        aws_image=f"{REGISTRY}/mirror/aws-cli@sha256:{'3' * 64}",
        client_image=f"{REGISTRY}/mirror/postgresql-client@sha256:{'2' * 64}",
        opts=options,
    )
    return {}


def objects(graph: Graph) -> dict[str, dict[str, Any]]:
    """Every Kubernetes object of a graph by its resource's name, secrets in plain."""
    return {
        resource.name: reveal(resource.inputs)
        for resource in graph.resources.values()
        if is_object(resource)
    }


def is_object(resource: Resource) -> bool:
    return resource.type.startswith("kubernetes:") and "helm.sh" not in resource.type


def pod_specs(graph: Graph) -> dict[str, dict[str, Any]]:
    """The pod spec of everything in a graph that runs pods, by its resource's name."""
    return {
        name: manifest["spec"]["template"]["spec"]
        for name, manifest in objects(graph).items()
        if manifest["kind"] in ("Deployment", "Job")
    }
