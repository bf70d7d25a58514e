"""The JSON Schemas of what a move tells programs: its report, and its status.

`python -m database_moves.schemas` writes them; with `--check` it exits 1 where they are stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from database_moves.report.document import MoveReport
from database_moves.status.document import MoveStatus

if TYPE_CHECKING:
    from pydantic import BaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DIRECTORY = Path(__file__).resolve().parent.parent / "docs" / "schemas"
MODELS: dict[str, type[BaseModel]] = {"move-report": MoveReport, "move-status": MoveStatus}


def text_of(name: str) -> str:
    """A schema's file, the same on every machine."""
    schema = {"$schema": DIALECT, **MODELS[name].model_json_schema(mode="serialization")}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the schemas, or check that they are fresh."""
    parser = argparse.ArgumentParser(prog="python -m database_moves.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 where a schema is stale")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the schemas are")
    options = parser.parse_args(arguments)
    stale = 0
    for name in MODELS:
        file: Path = options.directory / f"{name}.json"
        if file.is_file() and file.read_text(encoding="utf-8") == text_of(name):
            continue
        if options.check:
            sys.stderr.write(f"{file} is stale; run `make docs`\n")
            stale = 1
        else:
            file.write_text(text_of(name), encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
