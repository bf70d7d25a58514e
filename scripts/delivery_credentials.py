"""`patchworks deliver credentials|profiles`: a job's roles, for as long as the job takes."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from scripts.catalog_options import load_catalog, print_json
from scripts.exits import ExitCode

AccountArgument = Annotated[
    Literal["dev", "staging", "prod"],
    typer.Argument(help="The account that a job is to work in."),
]


def credentials(
    account: AccountArgument,
    role: Annotated[
        Literal["deploy", "tenant-mover"],
        typer.Option("--role", help="What the job does there."),
    ] = "deploy",
) -> None:
    """Take a role by a job's identity and print it, as AWS's programs ask a process to.

    What is printed is a credential: it is for the profiles that `patchworks deliver profiles`
    writes, and not for a log.
    """
    from components.aws.ci_roles import deploy_role, mover_role
    from delivery.job_credentials import NoIdentityError, take

    organization = load_catalog(None).organization
    name = (deploy_role if role == "deploy" else mover_role)(organization, account)
    arn = f"arn:aws:iam::{organization.account(account)}:role/{name}"
    try:
        print_json(take(arn, organization.home_region))
    except NoIdentityError as error:
        typer.echo(f"patchworks: {error}", err=True)
        raise typer.Exit(ExitCode.REFUSED) from None


def profiles(account: AccountArgument) -> None:
    """Print a configuration of AWS's programs: the profiles `deploy` and `tenant-mover`.

    Each takes its role anew when a session ends, which `patchworks deliver credentials` does.
    """
    from delivery.job_credentials import profiles as written

    region = load_catalog(None).organization.home_region
    typer.echo(written(account, region, ("deploy", "tenant-mover")), nl=False)
