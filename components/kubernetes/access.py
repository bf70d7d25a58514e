"""What the people of a customer's company may do in their namespace, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pulumi

from catalog.tenant import Right
from components.children import child_options
from components.kubernetes.objects import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.tenant import Company

_LOOK = ("get", "list", "watch")


class CompanyAccess(pulumi.ComponentResource):
    """A Role for each right, and a RoleBinding for each of the company's roles.

    The subject is the Google group's address, which the cluster's access entries present as a
    Kubernetes group. Nothing here is cluster-wide, and nobody may change roles, quotas, network
    policies or service accounts.
    """

    def __init__(
        self,
        name: str,
        spec: Company,
        *,
        namespace: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the roles and bindings of a company."""
        super().__init__("patchworks:kubernetes:CompanyAccess", name, None, opts)
        child = child_options(self, opts)
        used = {role.rights for role in spec.roles.values()}
        roles = {
            right: KubernetesObject(
                f"{name}-{right}",
                "rbac.authorization.k8s.io/v1",
                "Role",
                metadata={"name": f"company-{right}", "namespace": namespace},
                fields={"rules": rules(right)},
                opts=child,
            )
            for right in get_args(Right)
            if right in used
        }
        for slug, role in sorted(spec.roles.items()):
            KubernetesObject(
                f"{name}-{slug}-binding",
                "rbac.authorization.k8s.io/v1",
                "RoleBinding",
                metadata={"name": f"company-{slug}", "namespace": namespace},
                fields={
                    "roleRef": {
                        "apiGroup": "rbac.authorization.k8s.io",
                        "kind": "Role",
                        "name": roles[role.rights].object_name,
                    },
                    "subjects": [
                        {
                            "apiGroup": "rbac.authorization.k8s.io",
                            "kind": "Group",
                            "name": role.group,
                        }
                    ],
                },
                # A binding's role cannot be changed in place.
                opts=pulumi.ResourceOptions.merge(
                    child, pulumi.ResourceOptions(delete_before_replace=True)
                ),
            )
        self.register_outputs({})


def rules(right: Right) -> list[dict[str, Any]]:
    """A Role's rules for a right; each right includes the ones before it.

    `view` sees everything but secrets. `operate` restarts pods and scales. `administer` changes
    workloads and settings, opens shells, and so sees secrets too.
    """
    granted = [
        _rule("", ("pods", "services", "endpoints", "configmaps", "events"), _LOOK),
        _rule("", ("persistentvolumeclaims", "resourcequotas", "limitranges"), _LOOK),
        _rule("", ("pods/log", "pods/status"), _LOOK),
        _rule("apps", ("deployments", "replicasets"), _LOOK),
        _rule("autoscaling", ("horizontalpodautoscalers",), _LOOK),
        _rule("batch", ("jobs", "cronjobs"), _LOOK),
        _rule("discovery.k8s.io", ("endpointslices",), _LOOK),
        _rule("networking.k8s.io", ("networkpolicies",), _LOOK),
        _rule("policy", ("poddisruptionbudgets",), _LOOK),
    ]
    if right in ("operate", "administer"):
        granted += [
            _rule("", ("pods",), ("delete",)),
            _rule("", ("pods/eviction",), ("create",)),
            _rule("apps", ("deployments/scale",), ("get", "update", "patch")),
        ]
    if right == "administer":
        change = ("create", "update", "patch", "delete")
        granted += [
            # Whoever may change a Deployment can mount any secret of the namespace.
            _rule("apps", ("deployments",), ("update", "patch")),
            _rule("batch", ("jobs", "cronjobs"), change),
            _rule("", ("configmaps",), change),
            _rule("", ("secrets",), _LOOK),
            _rule("", ("pods/exec", "pods/portforward"), ("create",)),
        ]
    return granted


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
