"""Options of the commands that deliver, and what they stand for: one commit on its way."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scripts.catalog_options import load_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.catalog import Catalog
    from delivery.desk import Desk, Observer
    from delivery.engine import Engine


class WaveName(StrEnum):
    """The waves of a delivery, as a command line names them."""

    organization = "organization"
    dev = "dev"
    staging = "staging"
    canary = "canary"
    rest = "rest"


EngineName = Literal["auto", "local", "pulumi"]
ENGINE_VARIABLE = "PATCHWORKS_ENGINE"

CommitArgument = Annotated[
    str, typer.Argument(help="The merged commit; it must be checked out.", show_default=True)
]
EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        envvar=ENGINE_VARIABLE,
        help="What brings stacks up: Pulumi's CLI, or the rehearsal on the cloud of this machine. "
        "By default the CLI where it is installed and --state names no local cloud.",
    ),
]
RunOption = Annotated[
    str,
    typer.Option(
        "--run",
        metavar="ID",
        envvar="PATCHWORKS_RUN",
        help="What jobs of one delivery have in common, such as a workflow's run.",
    ),
]
GithubOutputOption = Annotated[
    Path | None,
    typer.Option(
        "--github-output",
        metavar="FILE",
        help="Also append each wave's jobs to a file, as a matrix and output of a step.",
    ),
]
GithubApiOption = Annotated[
    str, typer.Option("--api", envvar="GITHUB_API_URL", help="GitHub's address for programs.")
]
JobsOption = Annotated[
    int, typer.Option("--jobs", min=1, max=32, help="Stacks that Pulumi brings up side by side.")
]


def own_run() -> str:
    """This process, as a run of its own."""
    return f"{socket.gethostname()} {os.getpid()}"


def named_engine(name: str, state: Path | None) -> Literal["local", "pulumi"]:
    """The engine that a name stands for; ends in wrong usage where it is none."""
    if name == "auto":
        return "pulumi" if state is None and shutil.which("pulumi") else "local"
    if name not in ("local", "pulumi"):
        raise typer.BadParameter(f"{name} is no engine; there are auto, local and pulumi")
    return "pulumi" if name == "pulumi" else "local"


@contextlib.contextmanager
def engine_of(
    catalog: Catalog,
    root: Path,
    name: EngineName,
    state: Path | None,
    jobs: int = 1,
    looks_at: Path | None = None,
) -> Iterator[Engine]:
    """The engine of a name, ready for work; says which one it is.

    `looks_at` is the directory of a catalog that is only looked at.
    """
    if named_engine(name, state) == "pulumi":
        from delivery.pulumi_engine import PulumiEngine

        typer.echo("patchworks: with the Pulumi CLI and the credentials at hand", err=True)
        yield PulumiEngine(
            catalog,
            root,
            looks_at=looks_at,
            at_once=jobs,
            observe=lambda stack, line: typer.echo(f"  {stack} | {line}", err=True),
        )
        return
    from delivery.local_engine import LocalEngine
    from rehearsal.local_cloud import LocalCloud

    typer.echo("patchworks: on the cloud of this machine", err=True)
    cloud = LocalCloud.at(state)
    with cloud.exclusively():
        cloud.start()
    yield LocalEngine(catalog, cloud)


@contextlib.contextmanager
def desk_of(
    commit: str,
    engine_name: EngineName,
    state: Path | None,
    run: str,
    observer: Observer,
    jobs: int = 1,
) -> Iterator[Desk]:
    """One commit, ready to be delivered or asked about.

    Raises `RefusedError` where the checkout is not that commit or it was not merged.
    """
    from catalog.load import find_root
    from delivery.checklist import load_checklist
    from delivery.checkout import merged_commit
    from delivery.desk import Desk
    from delivery.table import DeliveryRecords

    root = find_root()
    catalog = load_catalog(None)
    checklist = load_checklist(root, catalog)
    branch = catalog.organization.repository.default_branch
    repository, identity = merged_commit(root, commit, branch)
    with engine_of(catalog, root, engine_name, state, jobs) as engine:
        yield Desk(
            root=root,
            repository=repository,
            commit=identity,
            catalog=catalog,
            checklist=checklist,
            engine=engine,
            records=DeliveryRecords(catalog.organization, engine.dynamodb()),
            holder=run,
            observer=observer,
            told={"PATCHWORKS_STATE": str(state)} if state is not None else {},
        )
