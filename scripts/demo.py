"""`patchworks demo`: a platform comes up on this machine, and a tenant moves while it writes."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.catalog_options import CatalogOption, load_catalog
from scripts.exits import ExitCode
from scripts.state_option import StateOption

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rehearsal.access import Access
    from rehearsal.outcome import Outcome

app = typer.Typer(
    add_completion=False,
    help="See the whole platform come up on this machine, each tenant's secret open its own "
    "database and no other, and a tenant move to another region while its application writes.",
)

CELLS = ("prod-eu-west-1", "prod-us-east-1")
TENANTS = ("brightwater", "delmar-retail", "fernhill")
"""One in a region of its own, and two that share a database cluster in the other."""


@app.command()
def demo(
    catalog: CatalogOption = None,
    state: StateOption = None,
    move: Annotated[
        bool,
        typer.Option(
            "--move", help="Then move a tenant to another region while its application writes."
        ),
    ] = False,
) -> None:
    """Rehearse the organization, two production cells and three tenants, then try their secrets."""
    from rehearsal.access import try_secrets
    from rehearsal.errors import ProgramError
    from rehearsal.local_cloud import LocalCloud
    from scripts.rehearsal_progress import observer_for
    from scripts.rehearse import run

    began = time.monotonic()
    loaded = load_catalog(catalog)
    say(
        "A platform on this machine",
        "The programs that `pulumi up` runs against AWS now run against moto for AWS, real "
        "PostgreSQL servers, and the schemas of Kubernetes: the organization, "
        f"{len(CELLS)} production cells and {len(TENANTS)} tenants.",
    )
    stacks = (*(f"cell.{cell}" for cell in CELLS), *(f"tenant.{name}" for name in TENANTS))
    observer = observer_for(sys.stderr)
    try:
        with observer:
            outcomes = run(loaded, stacks, state, observer)
    except ProgramError as error:
        typer.echo(f"patchworks: {error}", err=True)
        raise typer.Exit(ExitCode.FAULTS) from None
    _tell(outcomes)
    say(
        "Does each tenant's secret open its own database, and no other?",
        "Every secret is read from Secrets Manager and tried, with a real connection, on every "
        "tenant's database.",
    )
    tried = try_secrets(loaded, LocalCloud.at(state), TENANTS)
    _matrix(tried)
    if not all(access.as_promised for access in tried):
        typer.echo("patchworks: a secret opens what it must not, or not its own", err=True)
        raise typer.Exit(ExitCode.FAULTS)
    if move:
        _move(catalog, state)
    _where_next(time.monotonic() - began)


def _move(catalog: Path | None, state: Path | None) -> None:
    """The tenant's move, there, back, and there again."""
    from catalog.load import find_root
    from rehearsal.local_cloud import LocalCloud
    from rehearsal.servers.poolers import program
    from scripts.demo_move import TENANT, Story

    if program() is None:
        say(
            "The move is left out",
            "It needs PgBouncer, which this machine lacks: apt-get install pgbouncer",
        )
        return
    story = Story(find_root(catalog), LocalCloud.at(state))
    story.copy_catalog()
    if story.serving().database == "dedicated":
        say("The move is left out", f"{TENANT} was moved by an earlier demo already.")
        return
    story.prepare()
    say(
        "An application writes, and one line changes",
        f"A client of {TENANT} writes through its PgBouncer all the time. Its file, in a copy of "
        "the catalog, now says another region, a database of its own, and PostgreSQL 18 in place "
        "of 16:",
    )
    story.begin_writing()
    try:
        typer.echo(story.change_the_line() + "\n")
        story.tenant("move", "--yes")
        say("Back again", "Every write made since comes along.")
        story.tenant("rollback", "--yes")
        say("And forward", "The old side follows still, so it is one more short pause.")
        story.tenant("move", "--yes")
        say("Does everything agree?", "Ledger, stack, route, poolers, secrets, buckets, databases:")
        story.tenant("status", "--verify")
        say(
            "What the application saw",
            f"It came in by the old region's pooler all the time. {story.where()} serves.",
        )
        story.account()
    finally:
        story.stop()
    typer.echo(f"\nThe report of the move, with its charts: {story.report()}")


def say(title: str, text: str) -> None:
    """A heading and a paragraph, folded to 80 columns."""
    import textwrap

    typer.secho(f"\n{title}", bold=True)
    typer.echo(textwrap.fill(text, 80) + "\n")


def _tell(outcomes: Sequence[Outcome]) -> None:
    from scripts.rehearsal_progress import summary
    from scripts.rehearsal_report import total

    events = [event for outcome in outcomes for event in outcome.events]
    simulated = sum(event.fidelity == "simulated" for event in events)
    validated = sum(event.fidelity == "validated" for event in events)
    typer.echo(
        f"\n{len(outcomes)} stacks, {len(events)} resources: {summary(total(outcomes))}.\n"
        f"Made for real: {len(events) - simulated - validated}. "
        f"Kubernetes objects validated, not run: {validated}. Simulated: {simulated}."
    )


def _matrix(tried: Sequence[Access]) -> None:
    from scripts.tables import print_table

    print_table(
        ("Secret of", "Database of", "Server", "Answer"),
        [(access.tenant, access.database_of, access.server, access.answer) for access in tried],
    )


def _where_next(seconds: float) -> None:
    say(
        f"That took {seconds:.0f} seconds. Where to look next",
        "The servers keep running, so that you can look around:",
    )
    for command, what in (
        (".venv/bin/patchworks local status", "the servers, and where they listen"),
        (
            ".venv/bin/patchworks tenant show brightwater",
            "a tenant, and what follows from its file",
        ),
        (
            ".venv/bin/patchworks tenant status brightwater",
            "where a tenant is served",
        ),
        (".venv/bin/patchworks rehearse", "the whole catalog; a second run changes nothing"),
        ("edit tenants/brightwater.yaml", "then rehearse again: only what differs changes"),
        (".venv/bin/patchworks check", "every fault of the catalog at once"),
        (".venv/bin/patchworks local stop --reset", "stop the servers and forget everything"),
    ):
        typer.echo(f"  {command:<48}{what}")
    typer.echo("\nREADME.md tells how to run the same programs against AWS.")
