"""Every service has an autoscaler with floor, ceiling and stabilisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.resource_types import DEPLOYMENT
from policies.rule import Rule, each
from policies.stack import at, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policies.stack import Stack
    from rehearsal.graph import Resource

SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
LEAST_SECONDS = 300


def is_service(deployment: Resource, stack: Stack) -> bool:
    """Whether it is one of a tenant's services, and not its pooler."""
    labels = at(deployment.inputs, "metadata.labels")
    component = "app.kubernetes.io/component"
    return stack.kind == "tenant" and (labels or {}).get(component, "service") == "service"


@each(DEPLOYMENT, where=is_service, needed_in=("tenant",))
def evaluate(deployment: Resource, stack: Stack) -> Iterator[str]:
    """Services without an autoscaler that has all three."""
    name = at(deployment.inputs, "metadata.name")
    scalers = [
        each
        for each in stack.of_type(SCALER)
        if at(each.inputs, "spec.scaleTargetRef.name") == name
    ]
    if not scalers:
        yield "no HorizontalPodAutoscaler scales it"
    for scaler in scalers:
        least, most = (at(scaler.inputs, f"spec.{key}") for key in ("minReplicas", "maxReplicas"))
        if not (isinstance(least, int | float) and isinstance(most, int | float)) or least > most:
            yield f"it scales between {shown(least)} and {shown(most)} replicas"
        for direction, seconds in (("scaleDown", LEAST_SECONDS), ("scaleUp", 0)):
            path = f"spec.behavior.{direction}.stabilizationWindowSeconds"
            given = at(scaler.inputs, path)
            if not isinstance(given, int | float) or given < seconds:
                yield f"{path} is {shown(given)}"


RULE = Rule(
    __name__,
    severity="medium",
    why="A service that can't grow falls over, one without a ceiling starves its "
    "neighbours, and one without stabilisation flaps.",
    remedy="Declare a HorizontalPodAutoscaler with minReplicas, maxReplicas and "
    "stabilisation windows.",
    evaluate=evaluate,
)
