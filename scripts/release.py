"""`patchworks release`: holds a commit to the release checklist, and records who let it through."""

from __future__ import annotations

from typing import Annotated

import typer

from scripts.catalog_options import JsonOption, load_catalog, print_json
from scripts.delivery_log import Log, explained
from scripts.delivery_options import (
    CommitArgument,
    EngineOption,
    GithubApiOption,
    RunOption,
    desk_of,
    own_run,
)
from scripts.exits import ExitCode
from scripts.state_option import StateOption
from scripts.yearly_evidence import year

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Hold a commit to the release checklist (qa/release.yaml), and record approvals of it.",
)


@app.command()
def check(
    commit: CommitArgument = "HEAD",
    engine: EngineOption = "auto",
    state: StateOption = None,
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
    state: StateOption = None,
    run: RunOption = "",
) -> None:
    """Record that named people tried a commit in staging, and what they say of it."""
    from delivery.approving import approve as record

    with explained(), desk_of(commit, engine, state, run or own_run(), Log()) as desk:
        given = record(
            desk, name, by=by, decision="rejected" if reject else "approved", comment=comment
        )
    typer.echo(f"{given.name} {given.decision} by {', '.join(given.by)} for {desk.commit[:10]}")


@app.command()
def evidence(
    commit: CommitArgument = "HEAD",
    engine: EngineOption = "auto",
    state: StateOption = None,
) -> None:
    """Print all that is recorded of a commit's delivery; 3 where production does not have it."""
    from delivery.status import as_document, look

    with explained(), desk_of(commit, engine, state, own_run(), Log()) as desk:
        found = look(desk)
    print_json(as_document(found))
    if "rest" not in found.progress.waves:
        typer.echo(f"patchworks: not all of production has {desk.commit[:10]}", err=True)
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def sbom(
    version: Annotated[str, typer.Argument(help="The release's version, such as 1.4.0.")],
) -> None:
    """Print what this checkout is made of, as CycloneDX JSON; needs no cloud."""
    from datetime import UTC, datetime

    from catalog.load import find_root
    from delivery.bill_of_materials import bill, installed_dependencies
    from planning.commits import Repository

    root, catalog = find_root(), load_catalog(None)
    print_json(
        bill(
            name=f"{catalog.organization.repository.owner}-{catalog.organization.repository.name}",
            version=version,
            commit=Repository.around(root).resolve("HEAD"),
            lock=(root / "requirements.lock").read_text(encoding="utf-8"),
            catalog=catalog,
            dependencies=installed_dependencies(),
            at=datetime.now(UTC),
        )
    )


@app.command()
def record(
    commit: CommitArgument,
    name: Annotated[
        str, typer.Argument(help="The approval, and the GitHub environment that asked for it.")
    ],
    github_run: Annotated[
        str,
        typer.Option(
            "--github-run", metavar="ID", envvar="GITHUB_RUN_ID", help="The run that asked people."
        ),
    ],
    repository: Annotated[
        str,
        typer.Option(
            "--repository",
            metavar="OWNER/NAME",
            envvar="GITHUB_REPOSITORY",
            help="Whose run it is.",
        ),
    ],
    token: Annotated[
        str,
        typer.Option(
            "--token", envvar="GITHUB_TOKEN", help="May read runs; better given by the variable."
        ),
    ],
    api: GithubApiOption = "https://api.github.com",
    engine: EngineOption = "auto",
    state: StateOption = None,
    run: RunOption = "",
) -> None:
    """Record who let a commit through, or did not, as GitHub has it of a workflow's run."""
    from delivery.approving import approve as write
    from delivery.checkout import RefusedError
    from delivery.github_reviews import reviews

    with explained(), desk_of(commit, engine, state, run or own_run(), Log()) as desk:
        found = reviews(api, repository, github_run, token, name)
        if not found:
            raise RefusedError(f"nobody has reviewed {name} in run {github_run}", "")
        # Whoever says no outweighs the others.
        rejected = [each for each in found if each.decision == "rejected"]
        given = write(
            desk,
            name,
            by=[each.by for each in rejected or found],
            decision="rejected" if rejected else "approved",
            comment="; ".join(each.comment for each in rejected or found if each.comment),
        )
    typer.echo(f"{given.name} {given.decision} by {', '.join(given.by)} for {desk.commit[:10]}")
    if rejected:
        raise typer.Exit(ExitCode.REFUSED)


app.command()(year)
