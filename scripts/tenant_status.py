"""Shows how a tenant stands: where it is served and declared, its move, and whether all agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from scripts.catalog_options import print_json
from scripts.exits import ExitCode
from scripts.tables import print_facts, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from database_moves.state import MoveState
    from stacks.ledger_table import Entry
    from tenant_moves.commands import Result
    from tenant_moves.platform import Platform
    from tenant_moves.records import Found


def show(platform: Platform, tenant: str, *, verify: bool, as_json: bool) -> None:
    """Print it; exit code 1 where what was verified does not agree."""
    from database_moves.errors import MoveError
    from rehearsal.servers.moto import MotoNotRunning
    from tenant_moves import cloud_faults, entries
    from tenant_moves.verify import verify as look

    try:
        with cloud_faults.explained():
            ledger = entries.table(platform.catalog.organization, platform.aws)
            entry = ledger.entry(tenant)
            findings = look(platform, tenant) if verify else []
            history = ledger.history(tenant)
    except (MoveError, MotoNotRunning) as error:
        typer.echo(f"patchworks: {error}", err=True)
        raise typer.Exit(ExitCode.FAULTS) from None
    recorded = None
    if any(each.move for each in history):
        from tenant_moves.records import look as look_up

        recorded = look_up(platform, tenant, entry, history)
    state = recorded.state if recorded is not None else None
    stated = state.model_dump(mode="json") if state is not None else None
    if as_json:
        print_json(
            {
                "tenant": tenant,
                "entry": entry and entry.model_dump(mode="json", exclude_none=True),
                "move": stated if entry is not None and entry.move is not None else None,
                "last_move": stated,
                "record_unreached": recorded.unreached if recorded is not None else (),
                "history": [h.model_dump(mode="json", exclude_none=True) for h in history],
                "findings": [vars(finding) for finding in findings],
            }
        )
    else:
        _print(platform, tenant, entry, recorded)
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
                "told": list(result.told),
                "left": list(result.left),
            }
        )
        return
    typer.echo(result.what)
    facts = _swap_facts(state)
    if facts:
        print_facts(facts)
    for sentence in result.told:
        typer.echo(f"- {sentence}")
    for resource in result.left:
        typer.echo(f"    {resource}")


def write_report(platform: Platform, tenant: str, output: Path) -> None:
    """Write the report of the move under way, or of the last one; ends where there is none."""
    from database_moves.errors import MoveError
    from rehearsal.servers.moto import MotoNotRunning
    from scripts.database_showing import write_document
    from tenant_moves import cloud_faults, entries
    from tenant_moves.records import look

    try:
        with cloud_faults.explained():
            ledger = entries.table(platform.catalog.organization, platform.aws)
            entry, history = ledger.entry(tenant), ledger.history(tenant)
        found = look(platform, tenant, entry, history, samples=True)
    except (MoveError, MotoNotRunning) as error:
        typer.echo(f"patchworks: {error}", err=True)
        raise typer.Exit(ExitCode.FAULTS) from None
    if found is None or found.state is None:
        why = "; ".join(found.unreached) if found is not None else "it has never been moved"
        typer.echo(f"patchworks: there is no record of a move of {tenant}: {why}", err=True)
        raise typer.Exit(ExitCode.FAULTS)
    write_document(found.state, found.samples, output)


def _print(platform: Platform, tenant: str, entry: Entry | None, found: Found | None) -> None:
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
        if entry.gone is not None:
            facts.append(("Given up", f"{key(entry.gone)}, which is gone for good"))
    state = found.state if found is not None else None
    over = entry is None or entry.move is None
    if found is not None and over:
        facts.append(("Last move", found.move))
    if found is not None and state is None and (over or found.unreached):
        why = "; ".join(found.unreached) or "nothing of it is recorded where the tenant is served"
        facts.append(("Record", f"none: {why}"))
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
