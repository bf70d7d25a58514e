"""Drivers for Kubernetes objects: validated against the cluster version's schemas, not run."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.drivers.autonaming import physical_name
from rehearsal.kubernetes_schemas import check, check_metadata
from rehearsal.servers.kubernetes_objects import KubernetesRefusedError, StoredObject

if TYPE_CHECKING:
    from rehearsal.drivers.base import Cloud, Driver, Inputs, Outputs


@dataclass(frozen=True)
class ObjectDriver:
    """Validates objects of one kind and remembers their names."""

    api_version: str
    kind: str
    namespaced: bool = True
    immutable: tuple[str, ...] = ()
    """Paths of fields that the API server lets nobody change."""
    custom: bool = False
    """Whether a custom resource definition, which is not at hand, would hold the schema."""
    replaced_by: frozenset[str] = frozenset()

    @property
    def fidelity(self) -> str:
        """`validated`, or `simulated` where there is no schema to validate against."""
        return "simulated" if self.custom else "validated"

    def replaces(self, old: Inputs, new: Inputs) -> bool:
        """Whether the change needs a new object: another name, or an immutable field."""
        paths = ("metadata.name", "metadata.namespace", *self.immutable)
        return any(_at(old, path) != _at(new, path) for path in paths)

    def deletes_first(self, old: Inputs, new: Inputs) -> bool:
        """Whether the old object stands in the way of the new one: both have the same name."""
        paths = ("metadata.name", "metadata.namespace")
        return all(_at(old, path) == _at(new, path) for path in paths) and "name" in (
            new.get("metadata") or {}
        )

    def create(self, name: str, inputs: Inputs, cloud: Cloud) -> tuple[str, Outputs]:
        """Validate the object and take its name in the cluster."""
        body = self._body(inputs, cloud, physical_name(name, 8))
        self._check(body, cloud)
        metadata = body["metadata"]
        namespace = metadata.get("namespace", "")
        stored = cloud.kubernetes.create(self.kind, namespace, metadata["name"], name)
        identity = f"{namespace}/{metadata['name']}" if namespace else metadata["name"]
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return identity, _outputs(metadata, stored, now)

    def update(self, id: str, old: Inputs, new: Inputs, outputs: Outputs, cloud: Cloud) -> Outputs:
        """Validate the object as it becomes; an immutable field is refused as by the API."""
        known = outputs["metadata"]
        for path in self.immutable:
            if _at(old, path) != _at(new, path):
                raise KubernetesRefusedError(f'{self.kind} "{id}": {path}: field is immutable')
        body = self._body(new, cloud, known["name"])
        self._check(body, cloud)
        namespace = known.get("namespace", "")
        stored = cloud.kubernetes.change(self.kind, namespace, known["name"])
        return _outputs(body["metadata"], stored, known["creationTimestamp"])

    def delete(self, id: str, inputs: Inputs, outputs: Outputs, cloud: Cloud) -> None:
        """Give the name back; a namespace takes all that is in it along."""
        namespace, _, name = id.rpartition("/")
        cloud.kubernetes.delete(self.kind, namespace, name)

    def _body(self, inputs: Inputs, cloud: Cloud, name: str) -> dict[str, Any]:
        """The object as it is sent to the API server, with its name and namespace filled in."""
        metadata = dict(inputs.get("metadata") or {})
        metadata.setdefault("name", name)
        if self.namespaced:
            metadata.setdefault("namespace", cloud.provider.get("namespace") or "default")
        return {
            **{key: value for key, value in inputs.items() if value is not None},
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": metadata,
        }

    def _check(self, body: dict[str, Any], cloud: Cloud) -> None:
        if not self.namespaced and body["metadata"].get("namespace"):
            raise KubernetesRefusedError(f"{self.kind} belongs to no namespace")
        if self.custom:
            check_metadata(body)
        else:
            check(body, cloud.kubernetes.version)


def _outputs(metadata: dict[str, Any], stored: StoredObject, created: str) -> Outputs:
    known = {
        "uid": stored.uid,
        "resourceVersion": str(stored.version),
        "generation": stored.version,
        "creationTimestamp": created,
    }
    return {"metadata": metadata | known, "status": {}}


def _at(inputs: Inputs, path: str) -> Any:
    value: Any = inputs
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


_WORKLOAD = ("spec.selector",)
_CLUSTER_KINDS = (
    ObjectDriver("v1", "Namespace", namespaced=False),
    ObjectDriver("v1", "PersistentVolume", namespaced=False),
    ObjectDriver("rbac.authorization.k8s.io/v1", "ClusterRole", namespaced=False),
    ObjectDriver(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        namespaced=False,
        immutable=("roleRef",),
    ),
    ObjectDriver(
        "storage.k8s.io/v1",
        "StorageClass",
        namespaced=False,
        immutable=("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    ),
    ObjectDriver("storage.k8s.io/v1", "CSIDriver", namespaced=False),
    ObjectDriver(
        "scheduling.k8s.io/v1",
        "PriorityClass",
        namespaced=False,
        immutable=("value", "preemptionPolicy"),
    ),
    ObjectDriver("node.k8s.io/v1", "RuntimeClass", namespaced=False, immutable=("handler",)),
    ObjectDriver(
        "networking.k8s.io/v1", "IngressClass", namespaced=False, immutable=("spec.controller",)
    ),
    ObjectDriver("apiregistration.k8s.io/v1", "APIService", namespaced=False),
    ObjectDriver(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        namespaced=False,
        immutable=("spec.group", "spec.scope", "spec.names.plural", "spec.names.kind"),
    ),
    *(
        ObjectDriver("admissionregistration.k8s.io/v1", kind, namespaced=False)
        for kind in (
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        )
    ),
)
_NAMESPACED_KINDS = (
    ObjectDriver("v1", "ConfigMap"),
    ObjectDriver("v1", "LimitRange"),
    ObjectDriver("v1", "PersistentVolumeClaim", immutable=("spec.accessModes", "spec.selector")),
    ObjectDriver("v1", "Pod", immutable=("spec",)),
    ObjectDriver("v1", "ResourceQuota", immutable=("spec.scopes", "spec.scopeSelector")),
    ObjectDriver("v1", "Secret", immutable=("type",)),
    ObjectDriver("v1", "Service", immutable=("spec.clusterIP",)),
    ObjectDriver("v1", "ServiceAccount"),
    ObjectDriver("apps/v1", "DaemonSet", immutable=_WORKLOAD),
    ObjectDriver("apps/v1", "Deployment", immutable=_WORKLOAD),
    ObjectDriver(
        "apps/v1",
        "StatefulSet",
        immutable=(
            *_WORKLOAD,
            "spec.serviceName",
            "spec.podManagementPolicy",
            "spec.volumeClaimTemplates",
        ),
    ),
    ObjectDriver("autoscaling/v2", "HorizontalPodAutoscaler"),
    ObjectDriver("batch/v1", "CronJob"),
    ObjectDriver("batch/v1", "Job", immutable=(*_WORKLOAD, "spec.template", "spec.completionMode")),
    ObjectDriver("coordination.k8s.io/v1", "Lease"),
    ObjectDriver("networking.k8s.io/v1", "Ingress"),
    ObjectDriver("networking.k8s.io/v1", "NetworkPolicy"),
    ObjectDriver("policy/v1", "PodDisruptionBudget"),
    ObjectDriver("rbac.authorization.k8s.io/v1", "Role"),
    ObjectDriver("rbac.authorization.k8s.io/v1", "RoleBinding", immutable=("roleRef",)),
)
_CUSTOM_KINDS = (
    ObjectDriver("elbv2.k8s.aws/v1beta1", "TargetGroupBinding", custom=True),
    ObjectDriver("karpenter.k8s.aws/v1", "EC2NodeClass", namespaced=False, custom=True),
    ObjectDriver("karpenter.sh/v1", "NodePool", namespaced=False, custom=True),
)


def _token(driver: ObjectDriver) -> str:
    group = driver.api_version if "/" in driver.api_version else f"core/{driver.api_version}"
    return f"kubernetes:{group}:{driver.kind}"


DRIVERS: dict[str, Driver] = {
    _token(driver): driver for driver in (*_CLUSTER_KINDS, *_NAMESPACED_KINDS, *_CUSTOM_KINDS)
}
