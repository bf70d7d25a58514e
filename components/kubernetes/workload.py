"""One of a tenant's services: how it runs, scales, survives disruption and is reached inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from catalog.quantities import mebibytes, millicores
from components.children import child_options
from components.kubernetes import pods
from components.kubernetes.objects import Application
from components.kubernetes.priority_classes import priority_class

if TYPE_CHECKING:
    from catalog.tenant import Service, Tier

DRAIN_SECONDS = 15
"""How long a pod still serves after it is told to go: its target is deregistered meanwhile."""
GRACE_SECONDS = 90
"""From being told to go to being killed; longer than the target group lets requests finish."""
TARGET_UTILIZATION = 70
"""Percent of the requested CPU at which the autoscaler adds replicas."""
SCALE_DOWN_SECONDS = 300
"""The autoscaler takes replicas away by the highest need of this window."""


class Workload(pulumi.ComponentResource):
    """A service's account, Deployment, Service, autoscaler and disruption budget.

    The IAM role that its pods take by Pod Identity is made elsewhere for `service_account`.
    """

    service_account: pulumi.Output[str]
    service_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        spec: Service,
        *,
        service: str,
        tenant: str,
        tier: Tier,
        namespace: pulumi.Input[str],
        registry: str,
        database_secret: pulumi.Input[str],
        database_checksum: pulumi.Input[str],
        suspended: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the service called `service`; a changed `database_checksum` rolls its pods.

        A suspended one has no pod: the autoscaler leaves alone what is scaled to none.
        """
        super().__init__("patchworks:kubernetes:Workload", name, None, opts)
        application = Application(
            resource=name,
            name=service,
            namespace=namespace,
            part_of=tenant,
            component="service",
            options=child_options(self, opts),
        )
        account = application.service_account()
        template = pods.pod_template(
            application,
            {
                "serviceAccountName": account.object_name,
                "priorityClassName": priority_class(tier),
                "terminationGracePeriodSeconds": GRACE_SECONDS,
                "topologySpreadConstraints": pods.spread(application.selector, tier),
                **_containers(spec, service, registry, database_secret),
            },
            {"patchworks.dev/database": database_checksum},
        )
        deployment = application.declare(
            "deployment",
            "apps/v1",
            "Deployment",
            {"spec": pods.deployment(application, template, replicas=0 if suspended else None)},
            # The number of pods is the autoscaler's since it first scaled. Without force the API
            # server refuses to hand it over; what is not suspended any more gives it back.
            {"pulumi.com/patchForce": "true"} if suspended else None,
        )
        made = application.service("http", spec.port)
        application.declare(
            "autoscaler",
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            {"spec": _autoscaler(spec, deployment.object_name)},
        )
        pods.limit_disruption(application)
        self.service_account = account.object_name
        self.service_name = made.object_name
        self.register_outputs(
            {"service_account": self.service_account, "service_name": self.service_name}
        )


def _containers(
    spec: Service, service: str, registry: str, database_secret: pulumi.Input[str]
) -> dict[str, Any]:
    volume, mount = pods.temporary_directory("128Mi")
    probe = {"httpGet": {"path": spec.health_path, "port": "http"}, "timeoutSeconds": 3}
    return {
        "containers": [
            {
                "name": service,
                "image": f"{registry}/{spec.image}",
                "ports": pods.tcp_port("http", spec.port),
                "env": [{"name": "PORT", "value": str(spec.port)}],
                "envFrom": [{"secretRef": {"name": database_secret}}],
                "resources": pods.resources(millicores(spec.cpu), mebibytes(spec.memory)),
                "securityContext": pods.container_security(),
                "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": 60},
                "readinessProbe": {**probe, "periodSeconds": 5, "failureThreshold": 3},
                "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
                # The kubelet's own sleep: an image without a shell has no command for it.
                "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
                "volumeMounts": [mount],
            }
        ],
        "volumes": [volume],
    }


def _autoscaler(spec: Service, deployment: pulumi.Input[str]) -> dict[str, Any]:
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
        "minReplicas": spec.minimum_replicas,
        "maxReplicas": spec.maximum_replicas,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": TARGET_UTILIZATION},
                },
            }
        ],
        "behavior": {
            "scaleUp": {
                "stabilizationWindowSeconds": 0,
                "selectPolicy": "Max",
                "policies": [
                    {"type": "Percent", "value": 100, "periodSeconds": 30},
                    {"type": "Pods", "value": 2, "periodSeconds": 30},
                ],
            },
            "scaleDown": {
                "stabilizationWindowSeconds": SCALE_DOWN_SECONDS,
                "selectPolicy": "Max",
                "policies": [{"type": "Percent", "value": 25, "periodSeconds": 60}],
            },
        },
    }
