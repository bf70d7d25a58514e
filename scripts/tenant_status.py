"""Shows how a tenant stands: where it is served and declared, its move, and whether all agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from scripts.catalog_options import print_json
from scripts.exits import ExitCode
from scripts.tables import print_facts, print_table

if TYPE_CHECKING:
    from database_moves.state import MoveState
    from stacks.ledger_table import Entry
    from tenant_moves.commands import Result
    from tenant_moves.platform import Platform


def show(platform: Platform, tenant: str, *, verify: bool, as_json: bool) -> None:
    """Print it; exit code 1 where what was verified does not agree."""
    from database_moves.errors import MoveError
    from rehearsal.servers.moto import MotoNotRunning
    from tenant_moves import entries
    from tenant_moves.verify import verify as look

    try:
        entry = entries.table(platform.catalog.organization, platform.aws).entry(tenant)
        findings = look(platform, tenant) if verify else []
        history = entries.table(platform.catalog.organization, platform.aws).history(tenant)
    except (MoveError, MotoNotRunning) as error:
        typer.echo(f"patchworks: {error}", err=True)
        raise typer.Exit(ExitCode.FAULTS) from None
    state = _state(platform, entry)
    if as_json:
        print_json(
            {
                "tenant": tenant,
                "entry": entry and entry.model_dump(mode="json", exclude_none=True),
                "move": state and state.model_dump(mode="json"),
                "history": [h.model_dump(mode="json", exclude_none=True) for h in history],
                "findings": [vars(finding) for finding in findings],
            }
        )
    else:
        _print(platform, tenant, entry, state)
        if history:
            typer.echo("\nHistory")
            print_table(
                ("Revision", "When", "Why"),
                [(str(h.revision), f"{h.at:%Y-%m-%d %H:%M:%S} UTC", h.why) for h in history[-8:]],
            )
        if verify:
            typer.echo("\nVerified")
            print_table(
                ("Part", "Agrees", "Found"),
                [(f.part, "yes" if f.agrees else "NO", f.text) for f in findings],
            )
    if not all(finding.agrees for finding in findings):
        typer.echo(f"patchworks: not everything of {tenant} agrees", err=True)
        raise typer.Exit(ExitCode.FAULTS)


def print_result(result: Result, as_json: bool) -> None:
    """What became of a tenant when a command has ended."""
    state = result.state
    if as_json:
        print_json(
            {
                "exit": int(ExitCode.DONE),
                "tenant": result.tenant,
                "serving": result.serving,
                "move": result.plan and result.plan.move,
                "what": result.what,
                "state": state and state.model_dump(mode="json"),
            }
        )
        return
    typer.echo(result.what)
    facts = _swap_facts(state)
    if facts:
        print_facts(facts)


def _print(platform: Platform, tenant: str, entry: Entry | None, state: MoveState | None) -> None:
    from tenant_moves.plan import under_way
    from tenant_moves.slices import key

    declared = platform.catalog.tenants[tenant].placement
    facts: list[tuple[str, str]] = [("Declared in", key(declared))]
    if entry is None:
        facts.append(("Ledger", "no entry: it has never been moved"))
    else:
        facts.append(("Served from", f"{key(entry.placement)}, revision {entry.revision}"))
        if entry.move is not None:
            plan = under_way(entry)
            facts.append(("Move", f"{plan.move}, {key(plan.source)} to {key(plan.target)}"))
    if state is not None:
        facts.append(("Phase", state.phase))
        facts += _swap_facts(state)
        if state.error:
            facts.append(("Last error", state.error))
    typer.echo(f"Tenant {tenant}")
    print_facts(facts)


def _swap_facts(state: MoveState | None) -> list[tuple[str, str]]:
    if state is None or not state.swaps:
        return []
    last = state.swaps[-1]
    what = f"writes waited {last.pause_seconds:.2f} s"
    if not last.measured:
        what = "its mover was interrupted, so how long writes waited is not known"
    return [("Last switch", what if last.outcome == "done" else f"{what}, undone: {last.reason}")]


def _state(platform: Platform, entry: Entry | None) -> Any:
    from database_moves import durable, store
    from tenant_moves.context import store_url

    if entry is None or entry.move is None:
        return None
    with durable.reading(store_url(platform, entry.tenant)) as client:
        return store.load(client, entry.move)
