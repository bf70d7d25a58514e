"""moto's server as the local cloud starts it, with what AWS adds of its own: IAM, and two answers.

Beside the file that it writes its address to, `beyond.json` says what moto can't know: where the
API of each cluster is, and which accounts the ledger's table lets in.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import iam_enforced
from moto.dynamodb.models import dynamodb_backends
from moto.eks.models import EKSBackend

from rehearsal.servers import moto_process

BEYOND = "beyond.json"


def main(address: Path) -> None:
    """Serve until ended."""
    beyond = json.loads((address.parent / BEYOND).read_text())
    _share_tables(**beyond["tables"])
    _place_clusters(beyond["clusters"])
    with iam_enforced.enforcing(iam_enforced.Enforced("")):
        moto_process.serve(address)


def _share_tables(owner: str, others: list[str], region: str) -> None:
    """The table's own policy lets other accounts in, which name it by its ARN."""
    for account in others:
        dynamodb_backends[account][region].tables = dynamodb_backends[owner][region].tables


def _place_clusters(clusters: dict[str, dict[str, str]]) -> None:
    """moto makes up where a cluster's API is."""
    original = EKSBackend.describe_cluster

    def describe_cluster(self: EKSBackend, name: str) -> Any:
        found = original(self, name)
        if name in clusters:
            authority = clusters[name]["authority"].encode()
            found.endpoint = clusters[name]["url"]
            found.certificate_authority = {"data": base64.b64encode(authority).decode()}
        return found

    EKSBackend.describe_cluster = describe_cluster  # type: ignore[method-assign]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
