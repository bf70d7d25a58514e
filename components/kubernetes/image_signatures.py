"""Tenants' pods run images that somebody signed whom the catalog names: Sigstore's controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components.children import child_options
from components.kubernetes import images
from components.kubernetes.namespace import TENANT_LABEL, SystemNamespace
from components.kubernetes.objects import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.cell import Kubernetes
    from catalog.organization import Signer

NAMESPACE = "image-signatures"
SERVICE_ACCOUNT = "policy-controller"
"""The account that reads signatures from the registry, by Pod Identity."""
FULCIO = "https://fulcio.sigstore.dev"
REKOR = "https://rekor.sigstore.dev"
"""Sigstore's public good instances: who certifies an identity, and where a signature is logged."""


class ImageSignatures(pulumi.ComponentResource):
    """The controller on the system nodes, and a policy for each signer.

    While no replica answers, no pod of a tenant is made, and those that run go on. An image that no
    policy knows is denied as well.
    """

    def __init__(
        self,
        name: str,
        spec: Kubernetes,
        *,
        registry: str,
        signers: Mapping[str, Signer],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Install the controller; `signers` are by the first part of paths in `registry`."""
        super().__init__("patchworks:kubernetes:ImageSignatures", name, None, opts)
        child = child_options(self, opts)
        namespace = SystemNamespace(f"{name}-system", spec, namespace=NAMESPACE, opts=child)
        release = Release(
            f"{name}-release",
            name="policy-controller",
            chart=images.chart(registry, "policy-controller"),
            version=images.POLICY_CONTROLLER_CHART,
            namespace=namespace.namespace_name,
            atomic=True,
            max_history=5,
            timeout=600,
            values=_values(registry),
            opts=child,
        )
        for prefix, signer in sorted(signers.items()):
            KubernetesObject(
                f"{name}-{prefix}",
                "policy.sigstore.dev/v1beta1",
                "ClusterImagePolicy",
                metadata={"name": f"patchworks-{prefix}"},
                fields={"spec": signed_by(registry, prefix, signer)},
                opts=pulumi.ResourceOptions.merge(
                    child, pulumi.ResourceOptions(depends_on=[release])
                ),
            )
        self.register_outputs({})


def signed_by(registry: str, prefix: str, signer: Signer) -> dict[str, Any]:
    """A policy: images below a prefix bear a logged signature of exactly this identity.

    Source: https://docs.sigstore.dev/policy-controller/overview/
    """
    return {
        "mode": "enforce",
        "images": [{"glob": f"{registry}/{prefix}/**"}],
        "authorities": [
            {
                "name": "signer",
                "keyless": {
                    "url": FULCIO,
                    "identities": [{"issuer": signer.issuer, "subject": signer.subject}],
                },
                "ctlog": {"url": REKOR},
            }
        ],
    }


def _values(registry: str) -> dict[str, Any]:
    return {
        "installCRDs": True,
        "webhook": {
            "replicaCount": 2,
            "failurePolicy": "Fail",
            "image": {
                "repository": f"{registry}/mirror/policy-controller",
                "version": images.POLICY_CONTROLLER_IMAGE_TAG,
            },
            # By default an image that no policy is about is let in.
            "configData": {"no-match-policy": "deny"},
            "serviceAccount": {"create": True, "name": SERVICE_ACCOUNT},
            "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
            "podSecurityContext": {
                "enabled": True,
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "resources": {
                "requests": {"cpu": "100m", "memory": "256Mi"},
                "limits": {"memory": "512Mi"},
            },
            "namespaceSelector": {
                "matchExpressions": [{"key": TENANT_LABEL, "operator": "Exists"}]
            },
        },
        # A job that the chart runs when it is removed.
        "leasescleanup": {
            "image": {
                "repository": f"{registry}/mirror/kubectl",
                "version": images.KUBECTL_IMAGE_TAG,
            }
        },
        # The managed system nodes' own label: the chart takes no affinity.
        "commonNodeSelector": {"pool": "system"},
        "commonTolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
    }
