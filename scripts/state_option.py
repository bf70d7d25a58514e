"""The option of every command that uses the cloud on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="DIRECTORY",
        envvar="PATCHWORKS_STATE",
        help="Where the cloud on this machine keeps its state; by default .patchworks in the "
        "checkout.",
    ),
]
