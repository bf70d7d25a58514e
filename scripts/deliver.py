"""`patchworks deliver`: takes a merged commit through dev and staging to production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scripts.catalog_options import JsonOption, load_catalog, print_json
from scripts.delivery_credentials import credentials, profiles
from scripts.delivery_log import Log, explained
from scripts.delivery_moves import moves
from scripts.delivery_options import (
    CommitArgument,
    EngineOption,
    GithubOutputOption,
    JobsOption,
    RunOption,
    WaveName,
    desk_of,
    own_run,
)
from scripts.delivery_preview import preview, previewed
from scripts.state_option import StateOption

if TYPE_CHECKING:
    from delivery.plan import DeliveryPlan, WavePlan

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Take a merged commit through dev and staging to production, and say how far it is.",
)


@app.command("plan")
def plan_command(
    commit: CommitArgument = "HEAD",
    engine: EngineOption = "auto",
    state: StateOption = None,
    outputs: GithubOutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which stacks a delivery would bring up, in which order, and what it waits for."""
    from delivery import plan as planned

    with explained(), desk_of(commit, engine, state, own_run(), Log()) as desk:
        found = planned.plan(desk)
    if outputs is not None:
        import json

        with outputs.open("a") as file:
            for wave in found.waves:
                file.write(f"{wave.wave}={json.dumps(planned.matrix(wave))}\n")
    if as_json:
        print_json(planned.as_document(found))
    else:
        _tell(found)


@app.command()
def up(
    commit: CommitArgument = "HEAD",
    waves: Annotated[
        list[WaveName] | None,
        typer.Option("--wave", help="Only this wave; by default all, as far as the gates let it."),
    ] = None,
    stacks: Annotated[
        str,
        typer.Option(
            "--stacks",
            metavar="NAMES",
            help="Only these stacks of the wave, with spaces between: one job's share of it.",
        ),
    ] = "",
    wait: Annotated[
        float,
        typer.Option("--wait", metavar="SECONDS", min=0, help="For another delivery at work."),
    ] = 600,
    engine: EngineOption = "auto",
    state: StateOption = None,
    run: RunOption = "",
    jobs: JobsOption = 4,
) -> None:
    """Deliver a commit, or go on with it: dev, staging, the canary cell, the rest.

    Stops at the first failure and says how to go on. Running it again goes on from there; what
    was done is not done again.
    """
    from delivery.promotion import deliver, deliver_batch
    from delivery.records import WAVES

    named = {wave.value for wave in waves or WaveName}
    chosen = tuple(wave for wave in WAVES if wave in named)
    if stacks and len(chosen) != 1:
        raise typer.BadParameter("--stacks needs one --wave", param_hint="--stacks")
    with explained(), desk_of(commit, engine, state, run or own_run(), Log(), jobs) as desk:
        if stacks:
            deliver_batch(desk, chosen[0], stacks.split(), wait=wait)
        else:
            deliver(desk, chosen, wait=wait)


@app.command()
def status(
    commit: CommitArgument = "HEAD",
    engine: EngineOption = "auto",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how far a commit has come, what it waits for, and what each environment has."""
    from delivery.status import as_document, lines, look

    with explained(), desk_of(commit, engine, state, own_run(), Log()) as desk:
        found = look(desk)
    if as_json:
        print_json(as_document(found))
    else:
        for line in lines(found):
            typer.echo(line)


app.command()(moves)
app.command()(preview)
app.command()(previewed)
app.command()(credentials)
app.command()(profiles)


@app.command()
def identity(
    account: Annotated[
        Literal["management", "dev", "staging", "prod"],
        typer.Argument(help="The account that a job is to work in."),
    ],
    role: Annotated[
        Literal["deploy", "preview", "drift"],
        typer.Option("--role", help="What the job does there."),
    ] = "deploy",
) -> None:
    """Print a job's role, region, registry and backend as outputs of a step; asks no cloud."""
    from components.aws.ci_roles import deploy_role, drift_role, preview_role
    from components.aws.state import state_bucket

    organization = load_catalog(None).organization
    if role == "preview" and account != "management":
        name = preview_role(organization)
    elif role == "drift" and account == "prod":
        name = drift_role(organization)
    elif role == "deploy" and account != "management":
        name = deploy_role(organization, account)
    else:
        raise typer.BadParameter(f"CI has no role {role} there", param_hint="account")
    number = organization.accounts.model_dump()[account]
    typer.echo(f"role=arn:aws:iam::{number}:role/{name}")
    typer.echo(f"region={organization.home_region}")
    typer.echo(f"registry={organization.registry.partition('/')[0]}")
    typer.echo(f"backend=s3://{state_bucket(organization)}?region={organization.home_region}")


def _tell(found: DeliveryPlan) -> None:
    typer.echo(f"Delivery of {found.commit[:10]}")
    for wave in found.waves:
        typer.echo(f"\n{wave.wave}: {_summary(wave)}")
        for stack in wave.affected:
            typer.echo(f"  {stack}")
        for gate in wave.missing:
            typer.echo(f"  waits: {gate.what}")
    for stack in found.gone:
        typer.echo(
            f"\n{stack} is gone from the catalog; a person destroys it (README.md, Remove a tenant)"
        )


def _summary(wave: WavePlan) -> str:
    if not wave.affected:
        return f"nothing to bring up, {wave.unchanged} unchanged"
    minutes = wave.seconds / 60
    guess = f", {wave.unmeasured} of them a guess" if wave.unmeasured else ""
    return (
        f"{len(wave.affected)} to bring up in {len(wave.jobs)} jobs, {wave.unchanged} unchanged; "
        f"{minutes:.0f} minutes one after the other{guess}"
    )
