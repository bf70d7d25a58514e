"""Tenants' pods run images of the organization's registry, named by digest, and no others."""

from __future__ import annotations

import re

import pulumi

from components.children import child_options
from components.kubernetes.namespace import TENANT_LABEL
from components.kubernetes.objects import KubernetesObject

POLICY = "patchworks-images-by-digest"
LISTS = ("containers", "initContainers", "ephemeralContainers")


def allowed_images(registry: str) -> str:
    """The pattern of an image that may run, in RE2's syntax as in Python's."""
    return f"^{re.escape(registry)}/[a-z0-9._/-]+@sha256:[0-9a-f]{{64}}$"


class ImageAdmission(pulumi.ComponentResource):
    """An admission policy of the API server itself: nothing has to run for it, or can be down.

    What was reviewed and scanned is a digest. A tag can be moved afterwards, and a pod that names
    another registry has been reviewed by nobody. Who signed an image, `ImageSignatures` asks.
    """

    def __init__(
        self, name: str, *, registry: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the policy and its binding; both are cluster-wide, so once a cell."""
        super().__init__("patchworks:kubernetes:ImageAdmission", name, None, opts)
        child = child_options(self, opts)
        pattern = allowed_images(registry)
        policy = KubernetesObject(
            f"{name}-policy",
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicy",
            metadata={"name": POLICY},
            fields={
                "spec": {
                    "failurePolicy": "Fail",
                    "matchConstraints": {
                        "resourceRules": [
                            {
                                "apiGroups": [""],
                                "apiVersions": ["v1"],
                                "operations": ["CREATE", "UPDATE"],
                                "resources": ["pods", "pods/ephemeralcontainers"],
                            }
                        ]
                    },
                    "validations": [_validation(each, pattern, registry) for each in LISTS],
                }
            },
            opts=child,
        )
        KubernetesObject(
            f"{name}-binding",
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicyBinding",
            metadata={"name": POLICY},
            fields={
                "spec": {
                    "policyName": policy.object_name,
                    "validationActions": ["Deny", "Audit"],
                    "matchResources": {
                        "namespaceSelector": {
                            "matchExpressions": [{"key": TENANT_LABEL, "operator": "Exists"}]
                        }
                    },
                }
            },
            opts=child,
        )
        self.register_outputs({})


def _validation(containers: str, pattern: str, registry: str) -> dict[str, str]:
    """One list of a pod's containers: their types differ, so that CEL can't join the lists."""
    spec = f"object.spec.{containers}"
    # A raw string: its backslashes are the pattern's.
    return {
        "expression": f"!has({spec}) || {spec}.all(c, c.image.matches(r'{pattern}'))",
        "message": f"{containers} must name images of {registry} by digest (@sha256:...)",
        "reason": "Forbidden",
    }
