"""What every pod of the platform has in common: hardening, spread, room for temporary files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from catalog.quantities import cpu_quantity, memory_quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.tenant import Tier
    from components.kubernetes.objects import Application

USER = 65534
"""The user `nobody`; no image of a tenant may rely on another one."""


def pod_security() -> dict[str, Any]:
    """A pod's security context that the `restricted` Pod Security level admits."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """A container's security context that the `restricted` Pod Security level admits."""
    return {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def resources(cpu_millicores: int, memory_mib: int) -> dict[str, Any]:
    """Requests and limits of a container: a ceiling on memory, none on CPU.

    A CPU limit would throttle bursts while cores idle beside them; memory cannot be taken back.
    """
    memory = memory_quantity(memory_mib)
    return {
        "requests": {"cpu": cpu_quantity(cpu_millicores), "memory": memory},
        "limits": {"memory": memory},
    }


def spread(selector: Mapping[str, str], tier: Tier) -> list[dict[str, Any]]:
    """Constraints that spread a Deployment's pods over zones and over hosts.

    A trial may run lopsided rather than not at all; the other tiers pay for surviving a zone.
    """
    when: Literal["ScheduleAnyway", "DoNotSchedule"] = (
        "ScheduleAnyway" if tier == "trial" else "DoNotSchedule"
    )
    return [
        _constraint("topology.kubernetes.io/zone", when, selector),
        _constraint("kubernetes.io/hostname", "ScheduleAnyway", selector),
    ]


def temporary_directory(size: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A volume for /tmp and its mount, as the root file system is read-only."""
    return (
        {"name": "tmp", "emptyDir": {"sizeLimit": size}},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  # a path in the container
    )


def deployment(
    application: Application, template: Mapping[str, Any], *, replicas: int | None
) -> dict[str, Any]:
    """A Deployment's spec that starts a new pod before it stops an old one.

    Without `replicas` an autoscaler owns them, and an update does not take them back.
    """
    spec: dict[str, Any] = {} if replicas is None else {"replicas": replicas}
    return {
        **spec,
        "revisionHistoryLimit": 5,
        "selector": {"matchLabels": application.selector},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "template": template,
    }


def pod_template(
    application: Application,
    spec: Mapping[str, Any],
    annotations: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A pod template under the restricted level, without a service account's token."""
    metadata: dict[str, Any] = {"labels": application.labels}
    if annotations:
        metadata["annotations"] = dict(annotations)
    hardened = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pod_security(),
        **spec,
    }
    return {"metadata": metadata, "spec": hardened}


def limit_disruption(application: Application) -> None:
    """Declare a disruption budget that lets one pod go at a time.

    A minimum of available pods would block the drain of a node for ever where there is one
    replica; a pod that is broken anyway must never hold a drain up.
    """
    spec = {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": application.selector},
    }
    application.declare("disruption-budget", "policy/v1", "PodDisruptionBudget", {"spec": spec})


def tcp_port(name: str, port: int) -> Sequence[dict[str, Any]]:
    """A container's single TCP port."""
    return [{"name": name, "containerPort": port, "protocol": "TCP"}]


def _constraint(key: str, when: str, selector: Mapping[str, str]) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": when,
        "labelSelector": {"matchLabels": dict(selector)},
        # Pods of the revision being replaced would otherwise count, and leave the new ones skewed.
        "matchLabelKeys": ["pod-template-hash"],
    }
