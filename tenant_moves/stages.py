"""The steps of a tenant's move beside its database's, each recorded when it has ended well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from database_moves import durable
from database_moves.crash_points import reached
from database_moves.state import StepRecord, now, stored
from tenant_moves import context as contexts

if TYPE_CHECKING:
    from database_moves.durable import Output
    from tenant_moves.context import TenantContext


@durable.workflow("tenant_expand")
def expand(request: Output) -> Output:
    """Bring the tenant's stack up with both slices."""
    return bring_up(request["move"], "expand")


@durable.workflow("tenant_contract")
def contract(request: Output) -> Output:
    """Bring the tenant's stack up without the slice that is not needed any more."""
    return bring_up(request["move"], "contract")


@durable.step("bring-up")
def bring_up(move: str, name: str) -> Output:
    """Apply the tenant's stack as catalog and ledger now have it; again changes nothing."""
    context = contexts.of(move)
    context.begin(name)
    began = now()
    exports = context.platform.bring_up(context.plan.tenant)
    reached(f"tenant.{name}ed")
    note = f"slices in {', '.join(sorted(exports.slices))}"
    record = StepRecord(name=name, began=began, ended=now(), note=note)
    return {"record": stored(record)}


def run(context: TenantContext, name: str) -> Output:
    """Run a step, go on with it, or learn that it has ended long ago."""
    workflow = {"expand": expand, "contract": contract}[name]
    contexts.enter(context)
    try:
        with durable.launched(context.executor, context.url):
            request = {"move": context.plan.move, "tenant": context.plan.tenant}
            return durable.run(f"{context.executor}.{name}", workflow, request, context.check)
    finally:
        contexts.leave(context.plan.move)
