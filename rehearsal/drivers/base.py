"""What a driver is: it creates, updates and deletes one type of resource on the local cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rehearsal.servers.kubernetes_objects import KubernetesCluster
    from rehearsal.servers.postgresql import PostgresqlServers

Inputs = dict[str, Any]
"""A resource's input properties under Pulumi's names (camelCase), secrets in plain."""

Outputs = dict[str, Any]
"""Output properties beyond the inputs, under Pulumi's names."""


class Cloud(Protocol):
    """The local cloud as one provider instance sees it."""

    @property
    def provider(self) -> Mapping[str, Any]:
        """The provider's own inputs: region, allowedAccountIds, defaultTags, host, ..."""
        ...

    @property
    def account(self) -> str:
        """The AWS account id the provider is for."""
        ...

    @property
    def region(self) -> str:
        """The AWS region the provider is for."""
        ...

    def aws(self, service: str) -> Any:
        """A boto3 client for that account and region, against moto's server."""
        ...

    @property
    def postgresql(self) -> PostgresqlServers:
        """The real PostgreSQL servers, one per declared database cluster."""
        ...

    @property
    def kubernetes(self) -> KubernetesCluster:
        """The objects of the cluster that a Kubernetes provider's `kubeconfig` names."""
        ...

    def stack_outputs(self, stack: str) -> Mapping[str, Any]:
        """What another rehearsed stack exported."""
        ...


class Driver(Protocol):
    """Creates, updates and deletes one type of resource.

    Dictionaries go in and out. `create` returns the physical id and the outputs that the inputs do
    not already say. A driver raises what the local cloud raises: a refusal is a failure.

    Where a replacement depends on more than top-level properties, a driver has `replaces(old, new)`
    besides, and `deletes_first(old, new)` where the old one stands in the new one's way. One that
    can take over what is there already has `adopt(id, inputs, cloud)`, which returns outputs. Its
    `fidelity` is `real` unless it says `validated` or `simulated`.
    """

    @property
    def replaced_by(self) -> frozenset[str]:
        """Top-level input properties whose change needs a new resource."""
        ...

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Create it; `name` is the logical name, for a physical name where inputs give none."""
        ...

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Change it in place from `old` to `new` inputs and return its outputs."""
        ...

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Delete it; that it is gone already is no error."""
        ...
