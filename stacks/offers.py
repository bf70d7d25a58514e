"""What stacks offer those that build on them, read through stack references by typed names."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pulumi

from components.slice_parts import CellParts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.cell import Cell


def reference(stack: str) -> pulumi.StackReference:
    """The reference to another stack of this project, whichever backend keeps its state."""
    return pulumi.StackReference(
        stack, stack_name=f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    )


class OrganizationOffer:
    """What the organization offers cells and tenants."""

    def __init__(self, stack: pulumi.StackReference) -> None:
        self.zone_id: pulumi.Output[str] = stack.require_output("zone_id")
        self.archive_key_arn: pulumi.Output[str] = stack.require_output("key_arns").apply(
            lambda arns: arns["archive"]
        )


def organization_offer() -> OrganizationOffer:
    """What the organization's stack exports."""
    return OrganizationOffer(reference("organization"))


class CellOffer:
    """What a cell offers its tenants."""

    def __init__(self, cell: Cell) -> None:
        self._zones = len(cell.zones)
        self._stack = reference(f"cell.{cell.name}")
        self.vpc_id: pulumi.Output[str] = self._get("vpc_id")
        self.cluster_name: pulumi.Output[str] = self._get("cluster_name")
        self.cluster_arn: pulumi.Output[str] = self._get("cluster_arn")
        self.isolated_subnet_ids = self._by_zone("isolated_subnet_ids")
        self.kubeconfig: pulumi.Output[str] = self._get("kubeconfig")
        self.node_security_group_id: pulumi.Output[str] = self._get("node_security_group_id")
        self.runner_security_group_id: pulumi.Output[str] = self._get("runner_security_group_id")
        self.monitoring_role_arn: pulumi.Output[str] = self._get("monitoring_role_arn")
        self.event_topic_arn: pulumi.Output[str] = self._get("event_topic_arn")
        archive = self._get("log_archive")
        self.log_stream_arn: pulumi.Output[str] = archive.apply(lambda found: found["stream_arn"])
        self.log_role_arn: pulumi.Output[str] = archive.apply(lambda found: found["role_arn"])
        self.parts = CellParts(
            vpc_id=self.vpc_id,
            public_subnet_ids=self._by_zone("public_subnet_ids"),
            node_security_group_id=self.node_security_group_id,
            load_balancer_security_group_id=self._get("load_balancer_security_group_id"),
            cluster_name=self.cluster_name,
            cluster_arn=self.cluster_arn,
            load_balancer_log_bucket=self._get("load_balancer_log_bucket"),
        )

    @property
    def route_table_ids(self) -> tuple[Sequence[pulumi.Output[str]], pulumi.Output[str]]:
        """Of the private subnets, one a zone, and of the isolated ones, which share theirs."""
        return (
            self._by_zone("private_route_table_ids"),
            self._get("isolated_route_table_ids").apply(itemgetter(0)),
        )

    @property
    def control_plane_security_group_id(self) -> pulumi.Output[str]:
        """The group that says who may call the Kubernetes API."""
        return self._get("control_plane_security_group_id")

    def database_security_group_id(self, name: str) -> pulumi.Output[str]:
        """The group of one of the cell's databases."""
        found: pulumi.Output[str] = self._get("databases").apply(
            lambda databases: databases[name]["security_group_id"]
        )
        return found

    def database(
        self, name: str
    ) -> tuple[pulumi.Output[str], pulumi.Output[str], pulumi.Output[int]]:
        """Writer endpoint, reader endpoint and port of one of the cell's databases."""
        found = self._get("databases").apply(lambda databases: databases[name])
        return (
            found.apply(lambda database: database["writer_endpoint"]),
            found.apply(lambda database: database["reader_endpoint"]),
            # A stack reference gives every number as a float, and a port is none.
            found.apply(lambda database: int(database["port"])),
        )

    def _by_zone(self, name: str) -> Sequence[pulumi.Output[str]]:
        """One output a zone: how many there are is the catalog's to say, so it is known."""
        ids = self._get(name)
        return [ids.apply(itemgetter(zone)) for zone in range(self._zones)]

    def _get(self, name: str) -> pulumi.Output[Any]:
        return self._stack.require_output(name)
