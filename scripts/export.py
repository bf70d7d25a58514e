"""`patchworks export`: stacks in the forms that other tools read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts.catalog_options import CatalogOption, load_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rehearsal.graph import Graph

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Write stacks in the forms that other tools read, without a credential. "
    "Secrets are left out.",
)
StacksArgument = Annotated[
    list[str], typer.Argument(help="organization, cell.NAME or tenant.NAME.", show_default=False)
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="DIRECTORY",
        help="Where each stack gets a directory; standard output without it, for one stack.",
    ),
]


@app.command("terraform-plan")
def terraform_plan(
    stacks: StacksArgument, output: OutputOption = None, catalog: CatalogOption = None
) -> None:
    """Write the AWS resources of stacks as Terraform plans that create them."""
    from planning.export.terraform import terraform_plan as written

    for graph in _evaluated(stacks, output, catalog):
        plan = written(graph)
        _write(graph.stack, "tfplan.json", json.dumps(plan.document, indent=2), output)
        _tell(f"{graph.stack}: {len(plan.urns)} resources, {plan.left_out} of other providers")


@app.command("manifests")
def manifests(
    stacks: StacksArgument, output: OutputOption = None, catalog: CatalogOption = None
) -> None:
    """Write the Kubernetes objects of stacks as manifests."""
    import yaml

    from planning.export.manifests import manifests as written

    for graph in _evaluated(stacks, output, catalog):
        made = written(graph)
        text = yaml.safe_dump_all([dict(each) for each in made.objects], sort_keys=False)
        _write(graph.stack, "manifests.yaml", text, output)
        _tell(f"{graph.stack}: {len(made.urns)} objects, {made.left_out} charts left out")


def _evaluated(stacks: list[str], output: Path | None, catalog: Path | None) -> Iterator[Graph]:
    from rehearsal.evaluation import Evaluation
    from stacks.programs import stack_names

    if output is None and len(stacks) > 1:
        raise typer.BadParameter("several stacks need --output DIRECTORY")
    loaded = load_catalog(catalog)
    known = stack_names(loaded)
    for stack in stacks:
        if stack not in known:
            from catalog.explain import nearest

            guess = nearest(stack, known)
            hint = f"; did you mean {guess}?" if guess else ""
            raise typer.BadParameter(f"there is no stack {stack!r}{hint}")
    evaluation = Evaluation(loaded)
    return (evaluation.evaluate(stack) for stack in stacks)


def _write(stack: str, name: str, text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text)
        return
    directory = output / stack
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text, encoding="utf-8")


def _tell(text: str) -> None:
    typer.echo(f"patchworks: {text}", err=True)
