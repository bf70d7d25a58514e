"""The JSON Schema of a move's report, for programs that read it.

`python -m database_moves.report.schema` writes it; with `--check` it exits 1 where it is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from database_moves.report.document import MoveReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE = Path(__file__).resolve().parents[2] / "docs" / "schemas" / "move-report.json"


def schema_text() -> str:
    """The schema's file, the same on every machine."""
    schema = {"$schema": DIALECT, **MoveReport.model_json_schema(mode="serialization")}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the schema, or check that it is fresh."""
    parser = argparse.ArgumentParser(prog="python -m database_moves.report.schema")
    parser.add_argument("--check", action="store_true", help="exit 1 where the schema is stale")
    parser.add_argument("--file", type=Path, default=FILE, help="where the schema is")
    options = parser.parse_args(arguments)
    file: Path = options.file
    if not options.check:
        file.write_text(schema_text(), encoding="utf-8")
        return 0
    fresh = file.is_file() and file.read_text(encoding="utf-8") == schema_text()
    if not fresh:
        sys.stderr.write(f"{file} is stale; run `python -m database_moves.report.schema`\n")
    return 0 if fresh else 1


if __name__ == "__main__":
    sys.exit(main())
