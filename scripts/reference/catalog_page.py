"""The page of everything that can be written in the catalog's files, from their schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from catalog.schemas import MODELS, schema
from catalog.shape import MEANINGS
from scripts.reference.markdown import anchor, code, page, table

if TYPE_CHECKING:
    from collections.abc import Mapping

INTRODUCTION = (
    "What can be written in `organization.yaml`, `cells/*.yaml` and `tenants/*.yaml`. Keys that "
    "are not here are refused. `patchworks check` holds the files to this and to the rules between "
    "them; editors read the same from [docs/schemas](../schemas)."
)
FILES = {
    "organization": "organization.yaml",
    "cell": "cells/<name>.yaml",
    "tenant": "tenants/<name>.yaml",
}


def catalog_page() -> str:
    """The page's text."""
    described: set[str] = set()
    sections = []
    for kind in MODELS:
        document = schema(kind)
        sections.append(section(f"{kind.capitalize()}: {FILES[kind]}", document))
        for name, model in document.get("$defs", {}).items():
            if name not in described and "properties" in model:
                described.add(name)
                sections.append(section(name, model))
    return page("The catalog", INTRODUCTION, sections)


def section(title: str, model: Mapping[str, Any]) -> str:
    """One model: what it is, and its fields."""
    required = model.get("required", ())
    rows = [
        (
            code(name),
            type_of(field),
            "required" if name in required else default_of(field),
            meaning_of(field),
            allowed(field),
        )
        for name, field in model["properties"].items()
    ]
    header = ("Field", "Type", "Default", "Meaning", "Allowed")
    parts = [f"## {title}", model.get("description", ""), table(header, rows)]
    return "\n\n".join(part for part in parts if part)


def type_of(field: Mapping[str, Any]) -> str:
    """A field's type, with links to the models it is made of."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}]({anchor(name)})"
    if "anyOf" in field:
        return " or ".join(
            type_of(option) for option in field["anyOf"] if option.get("type") != "null"
        )
    if "enum" in field or "const" in field:
        return "choice"
    match field.get("type"):
        case "array":
            return "list of " + type_of(field.get("items", {}))
        case "object":
            return "names to " + type_of(values_of(field))
        case str(name):
            return name
    return "value"


def values_of(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a mapping's values, whatever its keys must look like; empty for no mapping."""
    values = [*field.get("patternProperties", {}).values(), field.get("additionalProperties")]
    return next((value for value in values if isinstance(value, dict)), {})


def default_of(field: Mapping[str, Any]) -> str:
    """A field's default, as YAML would have it."""
    default = field.get("default")
    if default is None:
        return "none"
    return code(json.dumps(default)) if default not in ([], {}) else "none"


def meaning_of(field: Mapping[str, Any]) -> str:
    """A field's own description, not the one of its values."""
    text = str(field.get("description", ""))
    return "" if text in MEANINGS.values() else text


def allowed(field: Mapping[str, Any]) -> str:
    """What values are allowed, in words."""
    if "anyOf" in field:
        texts = (allowed(option) for option in field["anyOf"] if option.get("type") != "null")
        return "; ".join(text for text in texts if text)
    found = []
    if "const" in field:
        found.append(code(str(field["const"])))
    if "enum" in field:
        found.append(", ".join(code(str(choice)) for choice in field["enum"]))
    if "pattern" in field:
        found.append(MEANINGS.get(field["pattern"], code(field["pattern"])))
    if "items" in field and (inner := allowed(field["items"])):
        found.append(f"each: {inner}")
    values = values_of(field)
    if values and (inner := allowed(values)):
        found.append(f"each: {inner}")
    for key, words in LIMITS.items():
        if key in field:
            found.append(words.format(field[key]))
    return "; ".join(found)


LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "multipleOf": "in steps of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "minProperties": "at least {} entries",
}
