"""Writes the pages that describe the code, or with `--check` compares them: `make docs`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from catalog.load import find_root, load
from rehearsal.evaluation import Evaluation
from scripts.reference.catalog_page import catalog_page
from scripts.reference.cell_picture import cell_picture
from scripts.reference.commands_page import commands_page
from scripts.reference.components_page import components_page
from scripts.reference.policies_page import policies_page
from stacks.programs import stack_names

PICTURED_CELL = "prod-eu-west-1"
PICTURED_TENANT = "aurelia-health"
DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def pages() -> dict[str, str]:
    """Every written file's text, by its path below `docs/`."""
    catalog = load(find_root())
    evaluation = Evaluation(catalog)
    graphs = {stack: evaluation.evaluate(stack) for stack in stack_names(catalog)}
    return {
        "reference/catalog.md": catalog_page(),
        "reference/commands.md": commands_page(),
        "reference/components.md": components_page(graphs.values()),
        "reference/policies.md": policies_page(),
        "images/cell.svg": cell_picture(
            graphs[f"cell.{PICTURED_CELL}"], graphs[f"tenant.{PICTURED_TENANT}"]
        ),
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or name those that are stale."""
    parser = argparse.ArgumentParser(prog="python -m scripts.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 where a page is stale")
    options = parser.parse_args(arguments)
    stale = 0
    for name, text in pages().items():
        path = DOCS / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if options.check:
            sys.stderr.write(f"docs/{name} is stale; run `make docs`\n")
            stale = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
