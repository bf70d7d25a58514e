"""The catalog as far as it can be understood, so that one fault does not hide another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_origin

from pydantic import BaseModel, ValidationError

from catalog.explain import below, explain
from catalog.faults import shown
from catalog.shape import peel, step_into

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.cell import Cell
    from catalog.document import Document, Location
    from catalog.faults import Rule
    from catalog.organization import Organization
    from catalog.tenant import Tenant

Model = TypeVar("Model", bound=BaseModel)


@dataclass
class Entry(Generic[Model]):
    """A document with its model; of a faulty one, attributes at fault are missing."""

    document: Document
    model: Model
    whole: bool

    def fault(
        self,
        rule: Rule,
        location: Location,
        problem: str,
        *,
        allowed: str,
        remedy: str,
        given: object = None,
        key: bool = False,
    ) -> None:
        """Add a fault, unless the place is at fault already."""
        if self.document.is_spoiled(location):
            return
        self.document.add(
            rule,
            location,
            problem,
            given="" if given is None else shown(given),
            allowed=allowed,
            remedy=remedy,
            key=key,
        )

    def at(self, location: Location) -> str:
        """Where something stands, for the text of a fault elsewhere."""
        line, _ = self.document.position(location)
        return f"{self.document.file}:{line}{below(location)}"


@dataclass
class Draft:
    """All documents of the catalog; cells and tenants by the names of their files."""

    root: Path
    organization: Entry[Organization]
    cells: dict[str, Entry[Cell]] = field(default_factory=dict)
    tenants: dict[str, Entry[Tenant]] = field(default_factory=dict)

    @property
    def entries(self) -> list[Entry[Any]]:
        """Every entry: the organization, then cells and tenants by name."""
        return [self.organization, *self.cells.values(), *self.tenants.values()]


def entry(document: Document, model: type[Model]) -> Entry[Model]:
    """Validate a document; where it fails, explain it and keep what is good."""
    if document.root is None:
        return Entry(document, model.model_construct(), whole=False)
    if not isinstance(document.root.value, dict):
        document.add(
            "wrong-type",
            (),
            "the file is not a mapping",
            given=shown(document.root.value),
            allowed=f"a mapping with the keys {', '.join(model.model_fields)}",
            remedy="write `key: value` lines",
        )
        return Entry(document, model.model_construct(), whole=False)
    try:
        built = model.model_validate(document.root.value, strict=True)
    except ValidationError as error:
        explain(document, model, error)
        return Entry(document, _salvage(document, model, (), document.root.value), whole=False)
    return Entry(document, built, whole=not document.faults)


def _salvage(document: Document, annotation: Any, location: Location, value: Any) -> Any:
    """Build what is good of a value; models lack the attributes that are at fault."""
    inner = peel(annotation)
    if isinstance(inner, type) and issubclass(inner, BaseModel) and isinstance(value, dict):
        fields = {
            key: _salvage(document, step_into(inner, key), (*location, key), item)
            for key, item in value.items()
            if key in inner.model_fields and _is_usable(document, (*location, key), item)
        }
        built = inner.model_construct(**fields)
        for key in set(inner.model_fields) - set(fields):
            if key in value or inner.model_fields[key].is_required():
                built.__dict__.pop(key, None)
        return built
    if get_origin(inner) is tuple and isinstance(value, tuple):
        # Items keep their places, so that what is said of one later points at the right line.
        return tuple(
            _salvage(document, step_into(inner, i), (*location, i), item)
            for i, item in enumerate(value)
        )
    if get_origin(inner) is dict and isinstance(value, dict):
        return {
            key: _salvage(document, step_into(inner, key), (*location, key), item)
            for key, item in value.items()
            if _is_usable(document, (*location, key), item)
        }
    return value


def _is_usable(document: Document, location: Location, value: Any) -> bool:
    """Whether something at a place can be kept: a scalar without fault, or a collection."""
    return location not in document.spoiled or (isinstance(value, dict | tuple) and bool(value))
