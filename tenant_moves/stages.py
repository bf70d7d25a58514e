"""The steps of a tenant's move beside its database's, each recorded when it has ended well."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from catalog import names
from database_moves import durable
from database_moves.crash_points import reached
from database_moves.database import Database
from database_moves.state import StepRecord, now, stored
from tenant_moves import balancers, old_database, ways
from tenant_moves import context as contexts
from tenant_moves.slices import DatabaseAt, key

if TYPE_CHECKING:
    from datetime import datetime

    from database_moves.database import Side
    from database_moves.durable import Output
    from tenant_moves.context import TenantContext


@durable.workflow("tenant_join")
def join(request: Output) -> Output:
    """Open the way between the cells of the two placements."""
    return open_way(request["move"])


@durable.workflow("tenant_expand")
def expand(request: Output) -> Output:
    """Bring the tenant's stack up with both slices."""
    return bring_up(request["move"], "expand")


@durable.workflow("tenant_objects")
def objects(request: Output) -> Output:
    """Bring objects and secrets, but for what changes all the time."""
    return approach(request["move"])


@durable.workflow("tenant_dump")
def dump(request: Output) -> Output:
    """Keep the last dump of the database that was left."""
    return keep_dump(request["move"], request["serving"])


@durable.workflow("tenant_drop")
def drop(request: Output) -> Output:
    """Drop the database that was left."""
    return drop_old(request["move"], request["old"])


@durable.workflow("tenant_settle")
def settle(request: Output) -> Output:
    """Bring the tenant's stack up with the side that serves now as the one it holds fast."""
    return bring_up(request["move"], "settle")


@durable.workflow("tenant_let_go")
def let_go(request: Output) -> Output:
    """Take what the stack has on a side that is gone for good out of its state."""
    # Noted before it is done: a process that is killed in between leaves nothing to ask.
    found = look(request["move"])
    return forget(request["move"]) | found


@durable.workflow("tenant_contract")
def contract(request: Output) -> Output:
    """Bring the tenant's stack up without the slice that is not needed any more."""
    return bring_up(request["move"], "contract")


WORKFLOWS = {
    "join": join,
    "expand": expand,
    "objects": objects,
    "dump": dump,
    "settle": settle,
    "let-go": let_go,
    "let-go-cell": let_go,
    "contract": contract,
    "drop": drop,
}


@durable.step("join")
def open_way(move: str) -> Output:
    """Bring up the peerings of all cells that the tenant spans; again changes nothing."""
    context = contexts.of(move)
    context.begin("join")
    began = now()
    plan = context.plan
    ways.join(context.platform, plan)
    return _record("join", began, f"{plan.source.cell} and {plan.target.cell} reach each other")


@durable.step("bring-up")
def bring_up(move: str, name: str) -> Output:
    """Apply the tenant's stack as catalog and ledger now have it; again changes nothing."""
    context = contexts.of(move)
    context.begin(name)
    began = now()
    exports = context.platform.bring_up(context.plan.tenant)
    reached(f"tenant.{name.removesuffix('e')}ed")
    return _record(name, began, f"slices in {', '.join(sorted(exports.slices))}")


@durable.step("look")
def look(move: str) -> Output:
    """What the stack has on the side that is gone."""
    context = contexts.of(move)
    assert context.absent is not None
    side = context.absent.lost(context.platform.catalog)
    return {"left": context.platform.has_on(f"tenant.{context.plan.tenant}", side)}


@durable.step("let-go")
def forget(move: str) -> Output:
    """Have the stack know nothing of the side that is gone; again changes nothing."""
    context = contexts.of(move)
    assert context.absent is not None
    context.begin("let go")
    began = now()
    side = context.absent.lost(context.platform.catalog)
    context.platform.let_go(f"tenant.{context.plan.tenant}", side)
    place = context.absent.place
    if not context.absent.whole_cell and place.cell != context.absent.stays.cell:
        cell = context.platform.catalog.cells[place.cell]
        balancers.unprotect(context.platform.deployer, cell, context.plan.tenant)
    reached("tenant.let-go")
    return _record("let go", began, f"nothing is declared in {key(context.absent.place)}")


@durable.step("objects")
def approach(move: str) -> Output:
    """The bulk of the objects, and what changed meanwhile; secrets under the target's key."""
    context = contexts.of(move)
    context.begin("objects")
    began = now()
    exports = context.platform.exports(context.plan.tenant)
    done = context.belongings(exports).approach("target", context.check, context.report)
    reached("tenant.objects-brought")
    if done is None:
        return _record("objects", began, "both placements are in one cell")
    figures = {"objects": float(done.objects), "object_bytes": float(done.bytes)}
    return _record("objects", began, f"{done.objects} objects", figures)


@durable.step("dump")
def keep_dump(move: str, serving: Side) -> Output:
    """Put the last dump where the cell keeps backups, and note where the old database is."""
    context = contexts.of(move)
    context.begin("dump")
    began = now()
    exports = context.platform.exports(context.plan.tenant)
    left: Side = "source" if serving == "target" else "target"
    place = context.plan.target if serving == "target" else context.plan.source
    address = context.database(exports, left).address
    kept = old_database.keep(context.platform, context.plan, place, context.dump_file, address)
    reached("tenant.dump-kept")
    at = context.plan.source if serving == "target" else context.plan.target
    # A database of its own goes with its server, by the tenant's stack.
    old = None if at.dedicated is not None else asdict(exports.database(at))
    return _record("dump", began, kept) | {"old": old}


@durable.step("drop")
def drop_old(move: str, old: dict[str, Any] | None) -> Output:
    """Drop the old database, which nothing declares any more."""
    context = contexts.of(move)
    context.begin("drop")
    began = now()
    if old is None:
        return _record("drop", began, "nothing is left to drop")
    tenant = context.plan.tenant
    database = Database(context.platform.mover_dsn(DatabaseAt(**old)), "source")
    roles = (names.application_role(tenant), names.read_only_role(tenant), names.owner_role(tenant))
    old_database.drop(database, roles)
    reached("tenant.old-dropped")
    return _record("drop", began, f"{database.address} is dropped")


def run(context: TenantContext, name: str, *, turn: int = 0, **more: Any) -> Output:
    """Run a step, go on with it, or learn that it has ended long ago.

    A step that a move comes to more than once has a `turn` of its own each time.
    """
    contexts.enter(context)
    try:
        with durable.launched(context.executor, context.url):
            request = {"move": context.plan.move, "tenant": context.plan.tenant, **more}
            identity = f"{context.executor}.{name}" + (f"-{turn}" if turn else "")
            return durable.run(identity, WORKFLOWS[name], request, context.check)
    finally:
        contexts.leave(context.plan.move)


def _record(
    name: str, began: datetime, note: str, figures: dict[str, float] | None = None
) -> Output:
    record = StepRecord(name=name, began=began, ended=now(), note=note, figures=figures or {})
    return {"record": stored(record)}
