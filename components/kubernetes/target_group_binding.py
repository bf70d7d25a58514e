"""Binds a tenant's routed services to the target groups of its load balancer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.children import child_options
from components.kubernetes.objects import KubernetesObject

if TYPE_CHECKING:
    from catalog.tenant import Service


class TargetGroupBinding(pulumi.ComponentResource):
    """Registers a service's pods, by address, in a target group that Pulumi made.

    It names no networking, so the controller leaves security groups alone: the nodes' group
    admits the cell's load balancers already, and network policies admit them to the pods.
    """

    def __init__(
        self,
        name: str,
        spec: Service,
        *,
        namespace: pulumi.Input[str],
        service_name: pulumi.Input[str],
        target_group_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Bind the service called `service_name` at its port.

        The controller refuses to point a binding at another target group. The group's own name has
        the port, as nothing else of it changes; with the port in the binding's name too, the next
        binding is there before the last one goes.
        """
        super().__init__("patchworks:kubernetes:TargetGroupBinding", name, None, opts)
        KubernetesObject(
            f"{name}-binding",
            "elbv2.k8s.aws/v1beta1",
            "TargetGroupBinding",
            metadata={
                "name": pulumi.Output.concat(service_name, "-", str(spec.port)),
                "namespace": namespace,
            },
            fields={
                "spec": {
                    "serviceRef": {"name": service_name, "port": spec.port},
                    "targetGroupARN": target_group_arn,
                    "targetType": "ip",
                    "ipAddressType": "ipv4",
                }
            },
            # The binding holds a finalizer until its targets are deregistered, which takes as
            # long as the target group drains.
            opts=pulumi.ResourceOptions.merge(
                child_options(self, opts),
                pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(delete="15m")),
            ),
        )
        self.register_outputs({})
