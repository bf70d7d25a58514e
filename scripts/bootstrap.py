"""`patchworks bootstrap`: makes what must be there before Pulumi can run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scripts.catalog_options import CatalogOption, JsonOption, load_catalog, print_json
from scripts.exits import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bootstrap.piece import Piece
    from catalog.organization import Organization

app = typer.Typer(add_completion=False)


@app.command()
def bootstrap(
    account: Annotated[
        Literal["management", "audit", "dev", "staging", "prod"],
        typer.Argument(help="The account that the credentials at hand are of."),
    ],
    copy_region: Annotated[
        str,
        typer.Option("--copy-region", metavar="REGION", help="Where a copy of the states lies."),
    ],
    make: Annotated[
        bool, typer.Option("--make", help="Make what is missing; without it nothing is changed.")
    ] = False,
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an account lacks before Pulumi can run, and make it with --make.

    The management account gets the states' bucket and key, with a copy in another region; every
    other account the role that the organization's stack works through. Again changes nothing.
    """
    from bootstrap.pieces import pieces

    organization = load_catalog(catalog).organization
    clients = _clients()
    _refuse_another_account(organization, account, clients)
    try:
        found = pieces(organization, account, copy_region, clients)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--copy-region") from None
    missing = {piece.title: piece.differences() for piece in found}
    if make:
        _make(found, quiet=as_json)
    left = {piece.title: piece.differences() for piece in found} if make else missing
    if as_json:
        print_json({"account": account, "found": missing, "left": left})
    else:
        _tell(organization, account, left, made=make)
    if any(left.values()):
        raise typer.Exit(ExitCode.FAULTS)


def _clients() -> Callable[[str, str], Any]:
    import functools

    import boto3

    # boto3's own types know a service by a literal only.
    make: Any = boto3.client

    @functools.cache
    def client(service: str, region: str) -> Any:
        return make(service, region_name=region)

    return client


def _refuse_another_account(
    organization: Organization, account: str, clients: Callable[[str, str], Any]
) -> None:
    wanted = organization.accounts.model_dump()[account]
    given = clients("sts", organization.home_region).get_caller_identity()["Account"]
    if given != wanted:
        typer.echo(
            f"patchworks: the credentials are of account {given}, and {account} is {wanted} in "
            "organization.yaml; nothing was changed",
            err=True,
        )
        raise typer.Exit(ExitCode.REFUSED)


def _make(found: Sequence[Piece], *, quiet: bool) -> None:
    for piece in found:
        if piece.differences():
            if not quiet:
                typer.echo(f"making {piece.title}")
            piece.make()


def _tell(
    organization: Organization, account: str, left: dict[str, list[str]], *, made: bool
) -> None:
    for title, differences in left.items():
        typer.echo(f"{'differs' if differences else 'is there'}: {title}")
        for difference in differences:
            typer.echo(f"    {difference}")
    if any(left.values()):
        if not made:
            typer.echo("nothing was changed; --make makes it")
    elif account == "management":
        from bootstrap.documents import secrets_provider
        from components.aws.state import state_bucket

        typer.echo(
            f"\nnow: pulumi login s3://{state_bucket(organization)}\n"
            "     pulumi stack init organization --secrets-provider="
            f'"{secrets_provider(organization, "organization")}"'
        )
