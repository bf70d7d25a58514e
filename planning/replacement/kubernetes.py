"""Which changes replace a Kubernetes object: the fields that no API server lets anyone change.

Source: what the Kubernetes provider replaces objects for,
https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/diff.go, and the API
server's own validation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planning.replacement.verdict import IN_PLACE, Verdict, steps, touches

if TYPE_CHECKING:
    from collections.abc import Mapping

ALWAYS = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
"""What makes it another object."""

IMMUTABLE: Mapping[str, tuple[str, ...]] = {
    "ClusterRoleBinding": ("roleRef",),
    "CronJob": (),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "IngressClass": ("spec.controller",),
    "Job": ("spec.selector", "spec.template", "spec.completionMode", "spec.podFailurePolicy"),
    "PersistentVolumeClaim": (
        *("spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"),
        "spec.volumeMode",
    ),
    "PriorityClass": ("value", "preemptionPolicy"),
    "Release": ("name", "namespace"),
    "ReplicaSet": ("spec.selector",),
    "ResourceQuota": ("spec.scopes", "spec.scopeSelector"),
    "RoleBinding": ("roleRef",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP", "spec.clusterIPs"),
    "StatefulSet": (
        *("spec.podManagementPolicy", "spec.selector", "spec.serviceName"),
        "spec.volumeClaimTemplates",
    ),
    "StorageClass": (
        *("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
        "mountOptions",
    ),
    "TargetGroupBinding": ("spec.targetGroupARN", "spec.targetType", "spec.vpcID"),
}
"""By kind; of kinds that are not here every other field can be changed."""

CONTENT = {
    "ConfigMap": ("enableConfigMapMutable", ("data", "binaryData")),
    "Secret": ("enableSecretMutable", ("data", "stringData")),
}
"""What the provider replaces an object for unless it is told that contents may change."""


def verdict(type: str, path: str, provider: Mapping[str, Any]) -> Verdict:
    """What a change at a path of an object's fields does, under its provider's settings."""
    kind = type.rpartition(":")[2]
    changed = steps(path)
    if kind != "Release" and any(touches(changed, steps(each)) for each in ALWAYS):
        return Verdict("replaces", "it is another object then")
    for fixed in IMMUTABLE.get(kind, ()):
        if touches(changed, steps(fixed)):
            return Verdict("replaces", f"{fixed} of a {kind} can't be changed")
    if kind in CONTENT:
        setting, contents = CONTENT[kind]
        if changed[0] in contents and provider.get(setting) not in (True, "true"):
            return Verdict("replaces", f"the provider replaces a {kind} whose content changes")
    return IN_PLACE
