"""No controller makes a load balancer behind Pulumi's back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import QUOTA, RELEASE
from policies.rule import Rule, Verdict
from policies.stack import at, shown
from rehearsal.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack

SERVICE = "kubernetes:core/v1:Service"
NONE = {"services.loadbalancers": "0", "services.nodeports": "0"}


def evaluate(stack: Stack) -> Iterator[Verdict]:
    """Ingresses, services that ask for a load balancer, and controllers that would make one."""
    for resource in stack.graph.resources.values():
        if resource.type.startswith("kubernetes:") and resource.type.endswith(
            (":Ingress", ":IngressClass")
        ):
            yield Verdict(resource, f"it is an {resource.short_type}")
    for service in stack.of_type(SERVICE):
        kind = at(service.inputs, "spec.type")
        wrong = kind not in ("ClusterIP", UNKNOWN)
        yield Verdict(service, f"spec.type is {shown(kind)}" if wrong else "")
    for quota in stack.of_type(QUOTA):
        hard = at(quota.inputs, "spec.hard") or {}
        given = {key: at({"": hard.get(key)}, "") for key in NONE}
        yield Verdict(quota, "" if given == NONE else f"spec.hard has {shown(given)}")
    found = False
    for release in stack.of_type(RELEASE):
        chart = str(at(release.inputs, "chart"))
        if chart.endswith("/aws-load-balancer-controller"):
            found = True
            gates = at(release.inputs, "values.controllerConfig.featureGates")
            makes = at(release.inputs, "values.createIngressClassResource")
            wrong = gates != {"EnableServiceController": False} or makes is not False
            yield Verdict(release, "its values let it make load balancers" if wrong else "")
    if stack.kind == "cell" and not found:
        yield Verdict(None, "the load balancer controller is not declared")


RULE = Rule(
    __name__,
    severity="medium",
    why="What a controller made is in no plan, and holds the network when the cell is to go.",
    remedy="Use target group bindings; keep services at ClusterIP, and their quota of load "
    "balancers and node ports at 0.",
    evaluate=evaluate,
)
