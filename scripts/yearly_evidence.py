"""`patchworks release year`: the evidence of a year, as data and as a report."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - read by typer
from typing import Annotated

import typer

from scripts.catalog_options import load_catalog
from scripts.delivery_log import explained
from scripts.delivery_options import EngineOption, GithubApiOption, engine_of
from scripts.exits import ExitCode
from scripts.state_option import StateOption


def year(
    number: Annotated[
        int, typer.Argument(metavar="YEAR", min=2020, max=2999, help="Of which year.")
    ],
    output: Annotated[
        Path, typer.Option("--output", metavar="DIRECTORY", help="Where both files are written.")
    ],
    repository: Annotated[
        str,
        typer.Option(
            "--repository",
            metavar="OWNER/NAME",
            envvar="GITHUB_REPOSITORY",
            help="Whose issues tell what drifted.",
        ),
    ] = "",
    token: Annotated[
        str,
        typer.Option(
            "--token",
            envvar="GITHUB_TOKEN",
            help="May read issues; better given by the variable. Without one GitHub is not asked.",
        ),
    ] = "",
    api: GithubApiOption = "https://api.github.com",
    engine: EngineOption = "auto",
    state: StateOption = None,
) -> None:
    """Collect who let what into production, what was restored, moved, released and drifted.

    Writes `evidence.json` and `report.md`; 1 where something should be looked at.
    """
    from datetime import UTC, datetime

    from catalog.load import find_root
    from delivery.checklist import load_checklist
    from delivery.checkout import tags
    from delivery.github_drift import drift_issues
    from delivery.table import DeliveryRecords
    from delivery.year import collect
    from delivery.year_report import report
    from planning.commits import Repository

    catalog, root = load_catalog(None), find_root()
    with explained(), engine_of(catalog, root, engine, state) as chosen:
        asked = bool(token and repository)
        found = collect(
            number,
            commit=Repository.around(root).resolve("HEAD"),
            catalog=catalog,
            checklist=load_checklist(root, catalog),
            engine=chosen,
            records=DeliveryRecords(catalog.organization, chosen.dynamodb()),
            tags=tags(root),
            drift=drift_issues(api, repository, token) if asked else None,
            now=datetime.now(UTC),
        )
    output.mkdir(parents=True, exist_ok=True)
    (output / "evidence.json").write_text(found.model_dump_json(indent=2) + "\n")
    (output / "report.md").write_text(report(found))
    typer.echo(
        f"{len(found.deliveries)} deliveries, {len(found.restore_tests)} tests of backups, "
        f"{len(found.moves)} changes of where tenants are served, {len(found.releases)} releases"
    )
    for finding in found.findings:
        typer.echo(f"to look at: {finding}")
    if found.findings:
        raise typer.Exit(ExitCode.FAULTS)
