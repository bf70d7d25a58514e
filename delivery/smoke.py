"""Looks whether a wave serves: alarms, load balancers' targets, and tenants' secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog import names
from delivery.engine import Look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from catalog.catalog import Catalog
    from catalog.cell import Cell
    from delivery.engine import Engine


def smoke(catalog: Catalog, engine: Engine, stacks: Sequence[str]) -> Iterator[Look]:
    """Look at every cell and tenant of these stacks."""
    cells = [stack.partition(".")[2] for stack in stacks if stack.startswith("cell.")]
    tenants = [stack.partition(".")[2] for stack in stacks if stack.startswith("tenant.")]
    for name in cells:
        yield _alarms(engine, catalog.cells[name])
    for name in tenants:
        cell = catalog.cells[engine.ledger().get(name, catalog.tenants[name].placement).cell]
        yield _targets(engine, cell, name)
    yield from engine.smoke(tenants)


def _alarms(engine: Engine, cell: Cell) -> Look:
    """Whether one of the cell's alarms is on; their names begin with the cell's."""
    client = engine.aws("cloudwatch", cell.account, cell.region)
    pages = client.get_paginator("describe_alarms").paginate(
        StateValue="ALARM", AlarmNamePrefix=f"{cell.name}-"
    )
    on = [
        alarm["AlarmName"]
        for page in pages
        for alarm in page["MetricAlarms"]
        # moto heeds only one of the two filters.
        if alarm["StateValue"] == "ALARM"
    ]
    return Look(f"alarms of {cell.name}", f"on: {', '.join(sorted(on))}" if on else "")


def _targets(engine: Engine, cell: Cell, tenant: str) -> Look:
    """Whether each of the tenant's services has replicas that answer its health check."""
    what = f"services of {tenant} behind its load balancer in {cell.name}"
    if not engine.runs_pods:
        return Look(what, looked=False)
    client = engine.aws("elbv2", cell.account, cell.region)
    return Look(what, target_problem(client, names.load_balancer(cell, tenant)))


def target_problem(client: Any, load_balancer: str) -> str:
    """What is wrong with a load balancer's targets; empty where each group has a healthy one."""
    try:
        (found,) = client.describe_load_balancers(Names=[load_balancer])["LoadBalancers"]
    except client.exceptions.LoadBalancerNotFoundException:
        return f"there is no load balancer {load_balancer}"
    problems = []
    groups = _all(client, "describe_target_groups", "TargetGroups", found["LoadBalancerArn"])
    for group in groups:
        health = client.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        states = [each["TargetHealth"]["State"] for each in health["TargetHealthDescriptions"]]
        if "healthy" not in states:
            seen = ", ".join(sorted(set(states))) or "no targets"
            problems.append(f"{group['TargetGroupName']} has none that is healthy ({seen})")
    return "; ".join(problems)


def _all(client: Any, call: str, key: str, load_balancer: str) -> list[Any]:
    pages = client.get_paginator(call).paginate(LoadBalancerArn=load_balancer)
    return [each for page in pages for each in page[key]]


def tell(looks: Iterator[Look], say: Callable[[str], None]) -> int:
    """Say what was looked at; how many problems there were."""
    problems = 0
    for look in looks:
        if not look.looked:
            say(f"not told here  {look.what}")
        elif look.problem:
            problems += 1
            say(f"PROBLEM        {look.what}: {look.problem}")
        else:
            say(f"serves         {look.what}")
    return problems
