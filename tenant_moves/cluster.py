"""A cell's Kubernetes API, as movers reach it: by the role at hand, without a CLI and a kubeconfig.

The token is what `aws eks get-token` prints: a signed request to AWS STS, by which the cluster asks
AWS who is there. Source: https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from catalog import names
from database_moves.errors import MoveError
from database_moves.poolers.pooler import PoolerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.cell import Cell
    from catalog.organization import Organization
    from tenant_moves.platform import Aws

TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105 - what every token begins with
SIGNED_SECONDS = 60
"""The cluster takes a token for 15 minutes, whatever the request in it says."""
CLUSTER_HEADER = "x-k8s-aws-id"
ANSWER_SECONDS = 30.0
MANAGER = "patchworks-tenant-mover"
"""Who has changed a field, as the object itself says."""


class Address(NamedTuple):
    """Where a cluster's API is, and whom to trust that it is that."""

    url: str
    authorities: ssl.SSLContext


_addresses: dict[tuple[str, str, str], Address] = {}
_pools: dict[str, urllib3.PoolManager] = {}
_asking = threading.Lock()


@dataclass(frozen=True)
class Cluster:
    """One cell's cluster; it goes into the guard's process, so it holds no connection."""

    aws: Aws
    name: str
    account: str
    region: str

    @classmethod
    def of(cls, organization: Organization, cell: Cell, aws: Aws) -> Cluster:
        """A cell's."""
        return cls(aws, names.cluster(organization, cell), cell.account, cell.region)

    def pods(self, namespace: str, labels: Mapping[str, str]) -> list[str]:
        """The names of the pods that run there and are to go on."""
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        query = urlencode({"labelSelector": selector})
        path = f"/api/v1/namespaces/{quote(namespace)}/pods?{query}"
        return sorted(
            pod["metadata"]["name"]
            for pod in self._ask("GET", path)["items"]
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        )

    def change_secret(self, namespace: str, name: str, values: Mapping[str, str]) -> None:
        """Give a Secret other values under some of its keys; again changes nothing."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        path = f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(name)}?fieldManager={MANAGER}"
        self._ask("PATCH", path, {"data": data})

    def address(self) -> Address:
        """Where the API is, asked once for each process; raises `MoveError`."""
        known = (self.account, self.region, self.name)
        with _asking:
            if known not in _addresses:
                _addresses[known] = self._described()
            return _addresses[known]

    def token(self) -> str:
        """Who asks, for the next minutes; it is a credential."""
        sts = self.aws.client("sts", self.account, self.region)

        def name_cluster(request: Any, **_: Any) -> None:
            request.headers[CLUSTER_HEADER] = self.name

        with _asking:
            events = sts.meta.events
            events.register("before-sign.sts.GetCallerIdentity", name_cluster)
            try:
                signed = sts.generate_presigned_url(
                    "get_caller_identity", ExpiresIn=SIGNED_SECONDS, HttpMethod="GET"
                )
            finally:
                events.unregister("before-sign.sts.GetCallerIdentity", name_cluster)
        return TOKEN_PREFIX + base64.urlsafe_b64encode(signed.encode()).decode().rstrip("=")

    def _described(self) -> Address:
        eks = self.aws.client("eks", self.account, self.region)
        try:
            found = eks.describe_cluster(name=self.name)["cluster"]
        except (BotoCoreError, ClientError) as error:
            raise MoveError(
                f"the cluster {self.name} can't be found: {error}", remedy="bring its cell up"
            ) from error
        certificate = base64.b64decode(found["certificateAuthority"]["data"]).decode()
        # Only the cluster's own authority is trusted, not those of this machine.
        return Address(found["endpoint"], ssl.create_default_context(cadata=certificate))

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        url, authorities = self.address()
        with _asking:
            pool = _pools.setdefault(
                url, urllib3.PoolManager(ssl_context=authorities, maxsize=8, retries=False)
            )
        headers = {"Authorization": f"Bearer {self.token()}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json"
        try:
            answer = pool.request(
                method,
                url + path,
                body=None if body is None else json.dumps(body).encode(),
                headers=headers,
                timeout=ANSWER_SECONDS,
            )
        except urllib3.exceptions.HTTPError as error:
            raise PoolerUnreachableError(
                f"the API of {self.name} does not answer: {error}",
                remedy="its endpoint is private: run this inside the cell, such as on its runners",
            ) from None
        if answer.status >= 300:
            raise self.refused(answer.status, answer.data)
        return answer.json()

    def refused(self, status: int, body: bytes) -> MoveError:
        """What the API says that it does not do; no request's content is repeated."""
        try:
            said = str(json.loads(body)["message"])
        except (ValueError, KeyError, TypeError):
            said = f"status {status}"
        remedy = None
        if status in (401, 403):
            remedy = "bring the cell and the tenant up, which let the role tenant-mover in"
        return MoveError(f"the API of {self.name} refused: {said}", remedy=remedy)
