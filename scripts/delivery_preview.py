"""`patchworks deliver preview|previewed`: what a pull request's catalog would do to what exists."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scripts.catalog_options import JsonOption, load_catalog, print_json
from scripts.delivery_log import explained
from scripts.delivery_options import EngineOption, GithubApiOption, engine_of
from scripts.exits import ExitCode
from scripts.state_option import StateOption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from delivery.previewing import Affected


def preview(
    commit: Annotated[
        str,
        typer.Argument(help="The change; it is fetched, and not checked out.", show_default=False),
    ],
    environment: Annotated[
        Literal["dev", "staging", "prod"] | None,
        typer.Option("--environment", help="Only this environment's stacks."),
    ] = None,
    share: Annotated[
        str, typer.Option("--share", metavar="N/M", help="One job's share of the stacks.")
    ] = "1/1",
    outputs: Annotated[
        Path | None,
        typer.Option(
            "--github-output",
            metavar="FILE",
            help="Look at nothing: append the jobs to a file, as a matrix and output of a step.",
        ),
    ] = None,
    pull_request: Annotated[
        int | None,
        typer.Option(
            "--pull-request",
            metavar="NUMBER",
            help="Refuse unless GitHub says that it is open, at this commit, and has the label "
            "preview; with GITHUB_TOKEN and GITHUB_REPOSITORY.",
        ),
    ] = None,
    asked_by: Annotated[
        str,
        typer.Option(
            "--asked-by", metavar="LOGIN", help="Refuse unless this person may push there."
        ),
    ] = "",
    api: GithubApiOption = "https://api.github.com",
    engine: EngineOption = "auto",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a change of the catalog would do to what exists, resource by resource.

    The programs are the checkout's, which must be merged; of the change only the catalog is read.
    A change of anything that this runs is refused (3), with the files.
    """
    from delivery.proposal import UnfitError

    found: list[dict[str, Any]] = []
    try:
        with explained():
            if pull_request is not None:
                _check_request(api, pull_request, commit, asked_by)
            try:
                for each in _look(commit, environment, share, outputs, engine, state):
                    found.append(each)
                    if not as_json:
                        _tell(each)
            except UnfitError as unfit:
                found.append({"commit": commit, "unfit": unfit.files})
                _outputs(outputs, [])
                raise
    finally:
        if as_json:
            print_json(found)
    if any("problem" in each for each in found):
        raise typer.Exit(ExitCode.FAULTS)


def previewed(
    directory: Annotated[
        Path, typer.Argument(help="Where jobs have put what `deliver preview --json` printed.")
    ],
) -> None:
    """Put what several jobs previewed together, as a comment of the pull request in Markdown."""
    from delivery.preview_report import collected, markdown

    if not directory.is_dir():
        raise typer.BadParameter(f"{directory} is no directory", param_hint="directory")
    typer.echo(markdown(collected(directory)), nl=False)


def _check_request(api: str, number: int, commit: str, by: str) -> None:
    from components.github.repository import PREVIEW_LABEL
    from delivery.github_label import check_request

    repository, token = (os.environ.get(f"GITHUB_{each}") for each in ("REPOSITORY", "TOKEN"))
    if not repository or not token:
        raise typer.BadParameter(
            "needs GITHUB_REPOSITORY and GITHUB_TOKEN", param_hint="--pull-request"
        )
    check_request(api, repository, token, number=number, commit=commit, label=PREVIEW_LABEL, by=by)


def _look(
    commit: str,
    environment: str | None,
    share: str,
    outputs: Path | None,
    engine: Literal["auto", "local", "pulumi"],
    state: Path | None,
) -> Iterator[dict[str, Any]]:
    """What is to be told, the change as a whole first."""
    import tempfile

    from catalog.faults import CatalogFaults
    from catalog.load import find_root, load
    from delivery.checkout import RefusedError, merged_commit
    from delivery.previewing import affected, jobs, possibly, previews, share_of
    from delivery.proposal import UnfitError, check_fixed, lay_out, propose
    from planning.commits import CommitError

    root, catalog = find_root(), load_catalog(None)
    with tempfile.TemporaryDirectory(prefix="patchworks-preview-") as directory:
        beside = Path(directory)
        try:
            branch = catalog.organization.repository.default_branch
            repository, main = merged_commit(root, "HEAD", branch)
            head = repository.resolve(commit)
            proposal = propose(repository, main, head, catalog)
            lay_out(repository, main, proposal, catalog, beside)
            proposed = load(beside)
        except CommitError as error:
            raise RefusedError(str(error), "") from None
        except CatalogFaults as error:
            raise UnfitError(
                {f"{each.file}:{each.line}": each.problem for each in error.faults}
            ) from None
        check_fixed(catalog, proposed)
        if outputs is not None:
            wanted = jobs(possibly(catalog, proposed))
            _outputs(outputs, wanted)
            yield _scope(head, proposal.ignored, affected(catalog, proposed, {}))
            return
        with engine_of(proposed, root, engine, state, looks_at=beside) as chosen:
            differs = affected(catalog, proposed, chosen.ledger())
            yield _scope(head, proposal.ignored, differs)
            try:
                stacks = share_of(_stacks(differs, environment), share)
            except ValueError as error:
                raise typer.BadParameter(str(error), param_hint="--share") from None
            yield from previews(chosen, stacks)


def _stacks(differs: Affected, environment: str | None) -> list[str]:
    return [
        stack
        for each, stacks in sorted(differs.differ.items())
        for stack in stacks
        if environment in (None, each)
    ]


def _scope(head: str, ignored: tuple[str, ...], differs: Affected) -> dict[str, Any]:
    return {
        "commit": head,
        "ignored": list(ignored),
        "new": list(differs.new),
        "gone": list(differs.gone),
        "organization": differs.organization,
    }


def _outputs(outputs: Path | None, jobs: list[dict[str, str]]) -> None:
    import json

    if outputs is not None:
        with outputs.open("a") as file:
            file.write(f"matrix={json.dumps({'include': jobs})}\njobs={len(jobs)}\ntold=yes\n")


def _tell(found: dict[str, Any]) -> None:
    from delivery.preview_report import SIGNS, WORDS

    if "commit" in found:
        typer.echo(f"Preview of the catalog of {found['commit'][:10]}")
        for stack in found["new"]:
            typer.echo(f"{stack}: new, so that all of it would be created")
        for stack in found["gone"]:
            typer.echo(f"{stack}: gone from the catalog; a person destroys it")
        if found["organization"]:
            typer.echo("organization: differs; a person previews it in the management account")
        return
    if "problem" in found:
        typer.echo(f"{found['stack']}: can't be told: {found['problem']}")
        return
    counts = ", ".join(f"{count} {WORDS[name]}" for name, count in found["counts"].items())
    typer.echo(f"{found['stack']}: {counts or 'nothing would change'}")
    for change in found["changes"]:
        kind = change["type"].rpartition(":")[2]
        line = f"  {SIGNS[change['operation']]} {kind} {change['name']}"
        paths = ", ".join(change["properties"])
        forced = ", ".join(change["forced_by"])
        line += f": {paths}" if paths else ""
        typer.echo(f"{line} (replaced because of {forced})" if forced else line)
