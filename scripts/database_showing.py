"""Shows moves and writes their reports; compares two databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from scripts.catalog_options import print_json
from scripts.exits import ExitCode
from scripts.tables import print_facts, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from database_moves.database import Side
    from database_moves.state import MoveState, Sample


def list_moves(state: Path | None, as_json: bool) -> None:
    """Every move that is recorded, the latest first."""
    from database_moves import durable, store

    with durable.reading(durable.store_url(state)) as client:
        found = [store.load(client, name) for name in store.moves(client)]
    known = [each for each in found if each is not None]
    if as_json:
        print_json([each.model_dump(mode="json") for each in known])
        return
    print_table(
        ("Move", "Phase", "Serving", "Source", "Target"),
        [
            (
                each.request.move,
                each.phase,
                each.serving,
                each.request.source.address,
                each.request.target.address,
            )
            for each in known
        ],
    )


def print_state(state: MoveState, as_json: bool) -> None:
    """How a move stands when a command has ended."""
    from database_moves import next_steps
    from database_moves.report.wording import counted

    if as_json:
        print_json(state.model_dump(mode="json"))
        return
    request = state.request
    serving = request.source if state.serving == "source" else request.target
    facts = [
        ("move", request.move),
        ("phase", state.phase),
        ("serving", f"{state.serving}, {serving.address}"),
    ]
    if state.verification is not None:
        facts.append(
            (
                "verified",
                f"{state.verification.rows:,} rows in "
                f"{counted(state.verification.tables, 'table')}",
            )
        )
    if state.swaps:
        last = state.swaps[-1]
        waited = f"{last.pause_seconds * 1000:.0f} ms"
        facts.append(("pause", waited if last.measured else "not known: it was interrupted"))
    for number, step in enumerate(next_steps.remaining(state)):
        facts.append(("" if number else "next", str(step)))
    print_facts(facts)


def write_report(name: str, output: Path, state: Path | None) -> None:
    """Write the report of a move to a file."""
    from database_moves import durable, store

    _report_suffix(output)
    with durable.reading(durable.store_url(state)) as client:
        found = store.load(client, name)
        if found is None:
            raise typer.BadParameter(f"there is no move {name}; `database status` lists them")
        samples = store.samples(client, name)
    write_document(found, samples, output)


def write_document(state: MoveState, samples: Sequence[Sample], output: Path) -> None:
    """Write what is recorded of a move as a page, or as JSON, by the file's ending."""
    from database_moves.report.document import report
    from database_moves.report.page import page
    from database_moves.state import now

    _report_suffix(output)
    document = report(state, samples, None, now())
    text = page(document) if output.suffix == ".html" else document.model_dump_json(indent=2)
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{output} can't be written: {error.strerror}") from None
    typer.echo(f"wrote {output}")


def _report_suffix(output: Path) -> None:
    if output.suffix not in (".html", ".json"):
        raise typer.BadParameter(f"{output} ends neither in .html nor in .json")


def verify(
    source: str | None,
    target: str | None,
    move: str | None,
    serving: Side,
    jobs: int | None,
    load_limit: int | None,
    *,
    as_json: bool,
) -> None:
    """Compare two databases, and end with 1 where they differ."""
    import sys

    from database_moves import inventory, names
    from database_moves.replication.stream import Stream
    from database_moves.verification import SlotPosition, render
    from database_moves.verification import verify as run
    from scripts.database_options import database
    from scripts.database_progress import progress_on

    first = database(source if serving == "source" else target, serving)
    other = database(
        target if serving == "source" else source, "target" if serving == "source" else "source"
    )
    with first.session("verify") as connection:
        tables = [t for t in inventory.tables(connection) if t.persistence == "permanent"]
    position = None
    if move is not None:
        try:
            stream = Stream(names.check(move), first, other)
        except ValueError as error:
            raise typer.BadParameter(f"--move: {error}") from None
        if not stream.kept():
            raise typer.BadParameter(
                f"--move: nothing of a move {move} leads from the {first.side}, by which the "
                f"{other.side} would follow; leave it out where nobody writes, or give --serving"
            )
        position = SlotPosition(first, stream.name)
    with progress_on(sys.stderr) as report:
        found = run(
            first,
            other,
            tables,
            jobs=jobs or 2,
            load_limit=load_limit,
            position=position,
            progress=report,
        )
    if as_json:
        print_json(found.to_json())
    else:
        typer.echo(render(found))
    raise typer.Exit(ExitCode.DONE if found.agrees else ExitCode.FAULTS)
