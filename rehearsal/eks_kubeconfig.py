"""The kubeconfig that pulumi-eks hands out for a cluster, computed from the cluster's outputs."""

from __future__ import annotations

import json
from typing import Any

from rehearsal.children import Derived, Ref


def kubeconfig(cluster: str, credentials: Any) -> Derived:
    """The kubeconfig as data; `cluster` is the key of the `aws.eks.Cluster` among the children."""
    return Derived(_parts(cluster, credentials), _kubeconfig)


def kubeconfig_json(cluster: str, credentials: Any) -> Derived:
    """The kubeconfig as JSON, in the order the provider writes it."""
    return Derived(
        _parts(cluster, credentials),
        lambda *parts: json.dumps(_kubeconfig(*parts), separators=(",", ":"), ensure_ascii=False),
    )


def issuer(identities: list[dict[str, Any]] | None) -> str:
    """The URL of the cluster's OIDC issuer; empty where the cluster has none."""
    for identity in identities or []:
        for oidc in identity.get("oidcs") or []:
            return str(oidc["issuer"])
    return ""


def without_protocol(url: str) -> str:
    """The URL without `https://`."""
    return url.removeprefix("https://")


def _parts(cluster: str, credentials: Any) -> tuple[Any, ...]:
    return (
        Ref(cluster, "name"),
        Ref(cluster, "endpoint"),
        Ref(cluster, "certificateAuthority"),
        Ref(cluster, "arn"),
        credentials,
    )


def _kubeconfig(
    name: str,
    endpoint: str,
    authority: dict[str, Any],
    arn: str,
    credentials: dict[str, str] | None,
) -> dict[str, Any]:
    region = arn.split(":")[3]
    arguments = ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"]
    if credentials and credentials.get("roleArn"):
        arguments += ["--role", credentials["roleArn"]]
    environment = {
        "name": "KUBERNETES_EXEC_INFO",
        "value": '{"apiVersion": "client.authentication.k8s.io/v1beta1"}',
    }
    execute = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": arguments,
        "env": [environment],
    }
    cluster = {"server": endpoint, "certificate-authority-data": authority["data"]}
    return {
        "apiVersion": "v1",
        "clusters": [{"cluster": cluster, "name": "kubernetes"}],
        "contexts": [{"context": {"cluster": "kubernetes", "user": "aws"}, "name": "aws"}],
        "current-context": "aws",
        "kind": "Config",
        "users": [{"name": "aws", "user": {"exec": execute}}],
    }
