"""What runs in a cell's cluster for all its tenants: nodes, ingress, storage, priorities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from catalog import names
from components.aws.cluster_versions import VERSIONS
from components.aws.image_reading_rights import image_reading_statements
from components.aws.karpenter import Karpenter as KarpenterFoundation
from components.aws.load_balancer_controller_rights import registering_statements
from components.aws.workload_role import WorkloadRole
from components.children import child_options
from components.kubernetes import image_signatures, load_balancer_controller
from components.kubernetes.database_bootstrap import NAMESPACE as BOOTSTRAP_NAMESPACE
from components.kubernetes.image_admission import ImageAdmission
from components.kubernetes.image_signatures import ImageSignatures
from components.kubernetes.karpenter import Karpenter
from components.kubernetes.load_balancer_controller import LoadBalancerController
from components.kubernetes.namespace import SystemNamespace
from components.kubernetes.priority_classes import PriorityClasses
from components.kubernetes.storage_class import StorageClass
from components.prepared_database import PreparedDatabase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.cell import Cell
    from catalog.organization import Organization
    from components.aws.cluster import Cluster
    from components.aws.database import Database


class ClusterServices(pulumi.ComponentResource):
    """Controllers with their identities, and the objects that tenants' pods refer to by name."""

    def __init__(
        self,
        name: str,
        spec: Cell,
        *,
        organization: Organization,
        cluster: Cluster,
        vpc_id: pulumi.Input[str],
        private_subnet_ids: Sequence[pulumi.Input[str]],
        key_arn: pulumi.Input[str],
        databases: Mapping[str, Database],
        tags: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("patchworks:tenant:ClusterServices", name, None, opts)
        self._name = name
        self._cell = spec
        self._organization = organization
        self._cluster = cluster
        self._key_arn = key_arn
        self._child = child_options(self, opts)
        PriorityClasses(f"{name}-priorities", opts=self._child)
        ImageAdmission(f"{name}-images", registry=organization.registry, opts=self._child)
        self._image_signatures()
        StorageClass(f"{name}-storage", key_arn=key_arn, opts=self._child)
        self._load_balancer_controller(vpc_id)
        karpenter = self._karpenter(private_subnet_ids, tags)
        self._databases(databases, karpenter)
        self.register_outputs({})

    def _image_signatures(self) -> None:
        name, cell, organization = self._name, self._cell, self._organization
        identity = WorkloadRole(
            f"{name}-signatures-identity",
            role_name=names.role(organization, cell, "image-signatures"),
            cluster_name=self._cluster.cluster_name,
            cluster_arn=self._cluster.cluster_arn,
            account=cell.account,
            namespace=image_signatures.NAMESPACE,
            service_account=image_signatures.SERVICE_ACCOUNT,
            statements=image_reading_statements(organization),
            opts=self._child,
        )
        ImageSignatures(
            f"{name}-signatures",
            cell.kubernetes,
            registry=organization.registry,
            signers=organization.signers,
            opts=self._after(identity),
        )

    def _load_balancer_controller(self, vpc_id: pulumi.Input[str]) -> None:
        name, cell = self._name, self._cell
        identity = WorkloadRole(
            f"{name}-load-balancers-identity",
            role_name=names.role(self._organization, cell, "load-balancer-controller"),
            cluster_name=self._cluster.cluster_name,
            cluster_arn=self._cluster.cluster_arn,
            account=cell.account,
            namespace=load_balancer_controller.NAMESPACE,
            service_account=load_balancer_controller.SERVICE_ACCOUNT,
            statements=registering_statements(cell.account, cell.region),
            opts=self._child,
        )
        LoadBalancerController(
            f"{name}-load-balancers",
            cell.kubernetes,
            cluster_name=self._cluster.cluster_name,
            region=cell.region,
            vpc_id=vpc_id,
            registry=self._organization.registry,
            opts=self._after(identity),
        )

    def _karpenter(
        self, private_subnet_ids: Sequence[pulumi.Input[str]], tags: Mapping[str, str]
    ) -> Karpenter:
        name, cell = self._name, self._cell
        foundation = KarpenterFoundation(
            f"{name}-karpenter-foundation",
            cluster_name=names.cluster(self._organization, cell),
            cluster_arn=self._cluster.cluster_arn,
            account=cell.account,
            region=cell.region,
            key_arn=self._key_arn,
            opts=self._child,
        )
        return Karpenter(
            f"{name}-karpenter",
            cell.kubernetes,
            cluster_name=self._cluster.cluster_name,
            cluster_endpoint=self._cluster.endpoint,
            interruption_queue=foundation.queue_name,
            instance_profile=foundation.instance_profile_name,
            subnet_ids=private_subnet_ids,
            security_group_ids=[self._cluster.node_security_group_id],
            key_arn=self._key_arn,
            bottlerocket_version=VERSIONS[cell.kubernetes.version].bottlerocket,
            tags=tags,
            registry=self._organization.registry,
            pause_image=self._organization.address(self._organization.images.pause),
            opts=self._after(foundation),
        )

    def _databases(self, databases: Mapping[str, Database], karpenter: Karpenter) -> None:
        namespace = SystemNamespace(
            f"{self._name}-bootstrap",
            self._cell.kubernetes,
            namespace=BOOTSTRAP_NAMESPACE,
            opts=self._child,
        )
        for database_name, database in databases.items():
            PreparedDatabase(
                f"{self._name}-{database_name}",
                organization=self._organization,
                cell=self._cell,
                database=database,
                database_name=database_name,
                cluster_name=self._cluster.cluster_name,
                cluster_arn=self._cluster.cluster_arn,
                key_arn=self._key_arn,
                # The system nodes take no jobs: without a pool of Karpenter's one waits in vain.
                opts=self._after(namespace, karpenter),
            )

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(
            self._child, pulumi.ResourceOptions(depends_on=list(resources))
        )
