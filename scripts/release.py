"""`patchworks release`: holds a commit to the release checklist, and records who let it through."""

from __future__ import annotations

from typing import Annotated

import typer

from scripts.catalog_options import JsonOption, print_json
from scripts.deliver import Log, explained
from scripts.delivery_options import (
    CommitArgument,
    DeliveryStateOption,
    EngineOption,
    RunOption,
    desk_of,
    own_run,
)
from scripts.exits import ExitCode

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Hold a commit to the release checklist (qa/release.yaml), and record approvals of it.",
)


@app.command()
def check(
    commit: CommitArgument = "HEAD",
    engine: EngineOption = "auto",
    state: DeliveryStateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether exactly this commit may reach production; 3 where anything is missing."""
    from datetime import UTC, datetime

    from delivery.gates import missing_before

    with explained(), desk_of(commit, engine, state, own_run(), Log()) as desk:
        progress = desk.progress()
        missing = missing_before("canary", desk.checklist, progress, datetime.now(UTC))
        steps = {
            name: approval.steps
            for name, approval in desk.checklist.approvals.items()
            if name not in progress.approvals
        }
    if as_json:
        print_json(
            {
                "commit": desk.commit,
                "may_reach_production": not missing,
                "missing": [{"what": each.what, "remedy": each.remedy} for each in missing],
                **progress.model_dump(mode="json", include={"checks", "approvals"}),
            }
        )
    else:
        for gate in missing:
            typer.echo(f"missing: {gate.what}\n    to do: {gate.remedy}")
        for name, each in steps.items():
            typer.echo(f"to try for {name}:")
            for number, step in enumerate(each, start=1):
                typer.echo(f"  {number}. {step}")
        if not missing:
            typer.echo(f"{desk.commit[:10]} may reach production")
    if missing:
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def approve(
    commit: CommitArgument,
    name: Annotated[str, typer.Argument(help="The approval's name in qa/release.yaml.")],
    by: Annotated[
        list[str], typer.Option("--by", metavar="NAME", help="Who tried it; again for more.")
    ],
    reject: Annotated[bool, typer.Option("--reject", help="They found it wrong.")] = False,
    comment: Annotated[str, typer.Option("--comment", help="What they say of it.")] = "",
    engine: EngineOption = "auto",
    state: DeliveryStateOption = None,
    run: RunOption = "",
) -> None:
    """Record that named people tried a commit in staging, and what they say of it."""
    from delivery.approving import approve as record

    with explained(), desk_of(commit, engine, state, run or own_run(), Log()) as desk:
        given = record(
            desk, name, by=by, decision="rejected" if reject else "approved", comment=comment
        )
    typer.echo(f"{given.name} {given.decision} by {', '.join(given.by)} for {desk.commit[:10]}")
