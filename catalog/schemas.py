"""JSON Schemas of the catalog's files, so that editors complete and check what people type.

`python -m catalog.schemas` writes them; with `--check` it exits 1 where they are stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.cell import Cell
from catalog.organization import Organization
from catalog.shape import MEANINGS
from catalog.tenant import Tenant

if TYPE_CHECKING:
    from pydantic import BaseModel

DIALECT = "https://json-schema.org/draft/2020-12/schema"
DIRECTORY = Path(__file__).resolve().parent.parent / "docs" / "schemas"
MODELS: dict[str, type[BaseModel]] = {
    "organization": Organization,
    "cell": Cell,
    "tenant": Tenant,
}


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of one kind of catalog file."""
    generated = MODELS[kind].model_json_schema(mode="validation")
    return {"$schema": DIALECT, **_for_editors(generated)}


def text_of(kind: str) -> str:
    """The schema's file, the same on every machine."""
    return json.dumps(schema(kind), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def stale(directory: Path = DIRECTORY) -> list[Path]:
    """Schema files that are missing or differ from the models."""
    return [
        path
        for kind in MODELS
        if not (path := directory / f"{kind}.json").is_file()
        or path.read_text(encoding="utf-8") != text_of(kind)
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write the schemas, or check that they are fresh."""
    parser = argparse.ArgumentParser(prog="python -m catalog.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 where a schema is stale")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where the schemas are")
    options = parser.parse_args(arguments)
    directory: Path = options.directory
    if options.check:
        for path in stale(directory):
            sys.stderr.write(f"{path} is stale; run `python -m catalog.schemas`\n")
        return 1 if stale(directory) else 0
    directory.mkdir(parents=True, exist_ok=True)
    for kind in MODELS:
        (directory / f"{kind}.json").write_text(text_of(kind), encoding="utf-8")
    return 0


def _for_editors(value: Any) -> Any:
    """The same schema with a description wherever there is one, and no title that repeats a key."""
    if isinstance(value, list):
        return [_for_editors(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        if key == "title" and isinstance(item, str):
            continue
        if key == "description" and isinstance(item, str):
            kept[key] = " ".join(item.split())
        else:
            kept[key] = _for_editors(item)
    if kept.get("pattern") in MEANINGS and "description" not in kept:
        kept["description"] = MEANINGS[kept["pattern"]]
    return kept


if __name__ == "__main__":
    sys.exit(main())
