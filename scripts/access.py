"""`patchworks access`: what a deployment needs, and that pull requests reach nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scripts.catalog_options import CatalogOption, JsonOption, load_catalog, print_json
from scripts.exits import ExitCode
from scripts.tables import print_facts, print_table

if TYPE_CHECKING:
    from planning.access.explanation import Explanation, Reason
    from planning.access.proof import Claim

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Explain what deployments may do, and prove what pull requests may not.",
)


@app.command("explain")
def explain(
    stack: Annotated[
        str,
        typer.Option(
            "--stack",
            metavar="STACK",
            help="A cell's or tenant's stack, such as tenant.brightwater.",
        ),
    ],
    catalog: CatalogOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the least policy that a stack's deploy role needs, and why each action is in it.

    It follows from the handlers of the stack's resource types. What the role lacks comes first,
    and makes the exit code 1: an apply would fail of it.
    """
    from planning.access.explanation import explain
    from rehearsal.evaluation import Evaluation
    from stacks.programs import ORGANIZATION, UnknownStackNameError, parse

    loaded = load_catalog(catalog)
    try:
        kind = parse(loaded, stack).kind
    except UnknownStackNameError as error:
        raise typer.BadParameter(str(error), param_hint="--stack") from None
    if kind == ORGANIZATION:
        raise typer.BadParameter(
            "the organization is brought up by a person with the management account's "
            "credentials and has no deploy role; name a cell's or a tenant's stack",
            param_hint="--stack",
        )
    evaluation = Evaluation(loaded)
    found = explain(evaluation.evaluate(stack), evaluation.evaluate(ORGANIZATION))
    if as_json:
        print_json(found.to_json())
    else:
        _show(found)
    if found.missing() or not found.role:
        raise typer.Exit(ExitCode.FAULTS)


@app.command("prove")
def prove(catalog: CatalogOption = None, as_json: JsonOption = False) -> None:
    """Prove from what the stacks declare that production is out of the reach of pull requests.

    Every stack is evaluated. Each claim names the documents that it follows from, or what speaks
    against it, which makes the exit code 1. What AWS and GitHub really hold is not looked at.
    """
    from planning.access.proof import prove
    from planning.access.proof_parts import gather
    from rehearsal.parallel import evaluate_many
    from stacks.programs import stack_names

    loaded = load_catalog(catalog)
    parts = [part for _, part in evaluate_many(loaded, stack_names(loaded), gather)]
    claims = prove(parts)
    if as_json:
        print_json([claim.to_json() for claim in claims])
    else:
        _tell(claims)
    if not all(claim.holds for claim in claims):
        raise typer.Exit(ExitCode.FAULTS)


def _show(found: Explanation) -> None:
    from planning.access.explanation import MOST_INLINE, size

    missing = found.missing()
    typer.echo(f"What {found.stack} needs of {found.role or 'its deploy role'}")
    print_facts(
        (
            ("Actions", str(len(found.reasons))),
            ("Missing", str(len(missing)) if missing else "none"),
        )
    )
    if missing:
        typer.echo("\nMissing: an apply fails without these")
        _table(missing)
    for role, policy in found.policies.items():
        typer.echo(f"\nNeeded of {role}")
        _table([reason for reason in found.reasons if reason.role == role])
        typer.echo(f"\nLeast policy of {role}: {size(policy):,} of {MOST_INLINE:,} characters")
        print_json(policy)
    if found.not_needed:
        typer.echo("\nGranted, and not needed by this stack")
        print_table(
            ("Pattern", "Actions"), [(name, str(count)) for name, count in found.not_needed]
        )
    for each in found.not_known:
        typer.echo(f"\nNot known: {each}")


def _table(reasons: list[Reason]) -> None:
    print_table(
        ("Action", "On", "Needed by"),
        [
            (
                reason.action,
                reason.resources[0]
                + (f" and {len(reason.resources) - 1} more" if len(reason.resources) > 1 else ""),
                ", ".join(reason.needed_by),
            )
            for reason in reasons
        ],
    )


def _tell(claims: list[Claim]) -> None:
    for claim in claims:
        typer.echo(f"{'proven' if claim.holds else 'NOT SO'}  {claim.text}")
        for each in claim.against:
            typer.echo(f"        against: {each}")
        for each in claim.evidence:
            typer.echo(f"        by: {each}")
    failed = sum(not claim.holds for claim in claims)
    typer.echo(
        f"\n{len(claims) - failed} of {len(claims)} claims hold of what the stacks declare. Not "
        "looked at: what AWS and GitHub really hold, and AWS's own service-linked roles."
    )
