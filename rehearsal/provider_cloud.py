"""The local cloud as one provider instance sees it: its account, its cluster, its clients."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from rehearsal.providers import account_of
from rehearsal.servers.kubernetes_objects import KubernetesCluster

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rehearsal.servers.postgresql import PostgresqlServers


class Servers(Protocol):
    """What every provider's cloud shares with the others."""

    known_accounts: set[tuple[str, str]]
    """Accounts and regions that AWS providers have named so far."""
    postgresql: PostgresqlServers

    @property
    def kubernetes_file(self) -> Path:
        """Where the clusters' objects are noted."""
        ...

    def aws(self, service: str, account: str, region: str) -> Any:
        """A boto3 client for one service in one account and region."""
        ...

    def stack_outputs(self, stack: str) -> Mapping[str, Any]:
        """What a stack exported when it was applied last."""
        ...


@dataclass(frozen=True)
class ProviderCloud:
    """What drivers get; see `rehearsal.drivers.base.Cloud`."""

    cloud: Servers
    type: str
    settings: Mapping[str, Any]
    _versions: dict[str, str | None] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        account, region = account_of(self.settings), self.settings.get("region")
        if account and isinstance(region, str):
            self.cloud.known_accounts.add((account, region))

    @property
    def provider(self) -> Mapping[str, Any]:
        """The provider's own inputs."""
        return self.settings

    @property
    def account(self) -> str:
        """The one account that the provider may touch; `LookupError` where it names none."""
        account = account_of(self.settings)
        if account is None:
            raise LookupError(f"a provider of {self.type} allows no single account")
        return account

    @property
    def region(self) -> str:
        """The provider's region; `LookupError` where it names none."""
        region = self.settings.get("region")
        if not isinstance(region, str):
            raise LookupError(f"a provider of {self.type} names no region")
        return region

    def aws(self, service: str) -> Any:
        """A boto3 client for the provider's account and region."""
        return self.cloud.aws(service, self.account, self.region)

    @property
    def postgresql(self) -> PostgresqlServers:
        """The real PostgreSQL servers."""
        return self.cloud.postgresql

    @property
    def kubernetes(self) -> KubernetesCluster:
        """The cluster that the provider's kubeconfig names; `LookupError` where it names none."""
        kubeconfig = self.settings.get("kubeconfig")
        if not isinstance(kubeconfig, str):
            raise LookupError(
                "the Kubernetes provider has no kubeconfig, so its cluster is unknown"
            )
        name, region = _cluster_of(kubeconfig)
        # A provider of a cluster comes after the cluster, which then changes no more.
        version = self._versions.get(name) or self._kubernetes_version(name, region)
        self._versions[name] = version
        return KubernetesCluster(self.cloud.kubernetes_file, name, version)

    def _kubernetes_version(self, cluster: str, region: str | None) -> str | None:
        """What EKS says of the cluster, in whichever of the accounts that were named it is.

        A kubeconfig tells its region but no account.
        """
        for account, known_region in sorted(self.cloud.known_accounts):
            if known_region != region:
                continue
            eks = self.cloud.aws("eks", account, known_region)
            try:
                return str(eks.describe_cluster(name=cluster)["cluster"]["version"])
            except eks.exceptions.ResourceNotFoundException:
                continue
        return None

    def stack_outputs(self, stack: str) -> Mapping[str, Any]:
        """What another rehearsed stack exported."""
        return self.cloud.stack_outputs(stack)


@functools.lru_cache(maxsize=256)
def _cluster_of(kubeconfig: str) -> tuple[str, str | None]:
    """The cluster's name and region in a kubeconfig that `aws eks` made; else its first name."""
    document = yaml.safe_load(kubeconfig)
    users = document.get("users") or [{}]
    arguments = ((users[0].get("user") or {}).get("exec") or {}).get("args") or []
    named = dict(itertools.pairwise(arguments))
    name = named.get("--cluster-name") or document["clusters"][0]["name"]
    return str(name), named.get("--region")
