"""The JSON Schema of a plan as programs read it.

`python -m planning.schemas` writes it; with `--check` it exits 1 where it is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from planning.document import Plan

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE = Path(__file__).resolve().parent.parent / "docs" / "schemas" / "plan.json"


def text() -> str:
    """The schema's file, the same on every machine."""
    schema = {"$schema": DIALECT, **Plan.model_json_schema(mode="serialization")}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the schema, or check that it is fresh."""
    parser = argparse.ArgumentParser(prog="python -m planning.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 where the schema is stale")
    parser.add_argument("--file", type=Path, default=FILE, help="where the schema is")
    options = parser.parse_args(arguments)
    file: Path = options.file
    if file.is_file() and file.read_text(encoding="utf-8") == text():
        return 0
    if options.check:
        sys.stderr.write(f"{file} is stale; run `make docs`\n")
        return 1
    file.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
