"""What the models allow at a place in a document: keys, types and their meaning in words."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from catalog.document import Location

MEANINGS: dict[str, str] = {
    r"^https://[a-z0-9.-]+(/[A-Za-z0-9._/-]*)?$": "an address that begins with https://",
    r"^https://[\x21-\x7e]+$": "an identity that begins with https://, without spaces",
    r"^([a-z][a-z0-9-]*|CKV2?_[A-Z0-9]+_[0-9]+)$": (
        "a policy's name such as rights-are-named, or a check of checkov's such as CKV_AWS_17"
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": 'a date in quotes, such as "2027-06-30"',
    r"^[a-z0-9.*-]+$": "a stack's name, in which * stands for anything, such as tenant.*",
    r"^[A-Za-z0-9._*-]+$": "a resource's name, in which * stands for anything",
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$": (
        "lower-case letters, digits and single hyphens, starting with a letter"
    ),
    r"^[0-9]{12}$": 'twelve digits in quotes, such as "012345678901"',
    r"^[a-z]{2}(-[a-z]+)+-[0-9]$": "a region, such as eu-west-1",
    r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$": "a zone, such as eu-west-1a",
    r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$": (
        "a domain name in lower case, such as app.example.com, each label up to 63 characters"
    ),
    r"^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$": "an e-mail address",
    r"^[a-z][a-z0-9-]*$": "lower-case letters, digits and hyphens, starting with a letter",
    r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$": "an instance type, such as m7g.large",
    r"^db\.[a-z][a-z0-9]*\.[a-z0-9]+$": "a database instance class, such as db.r8g.large",
    r"^[A-Za-z0-9._/-]+\.xml$": "the path of an .xml file beside organization.yaml",
    r"^arn:aws:sso:::instance/[A-Za-z0-9-]+$": "arn:aws:sso:::instance/<id>",
    r"^d-[0-9a-f]{10}$": "d- and ten hexadecimal digits",
    r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$": "a GitHub user or organization",
    r"^[A-Za-z0-9][A-Za-z0-9._/-]*$": "a branch, such as main",
    r"^[A-Za-z0-9._-]{1,100}$": "a GitHub repository's name",
    r"^([1-9][0-9]*m|[1-9][0-9]*)$": 'whole cores in quotes ("2") or thousandths (250m)',
    r"^[1-9][0-9]*(Mi|Gi)$": "a whole number of Mi or Gi, such as 512Mi",
    r"^[a-z0-9]+([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*@sha256:[0-9a-f]{64}$": (
        "<repository>@sha256:<64 hexadecimal digits>; no tag and no registry"
    ),
    r"^[A-Z]{2}$": "a country's two capital letters (ISO 3166-1), such as DE",
    r"^/[A-Za-z0-9/_-]*$": "a path that starts with a slash, such as /hooks",
    r"^[A-Za-z0-9 ._:/=+@-]+$": "letters, digits, spaces and . _ : / = + @ -",
    r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$": "one line of printable text",
    r"^[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]+$": (
        "letters, digits, spaces and . _ - : / ( ) # , @ [ ] + = & ; { } ! $ *"
    ),
    r"^/[A-Za-z0-9/_.-]*$": "a path that starts with a slash, such as /healthz",
}
"""Every pattern in the models, in words; a test finds one that is missing."""


def peel(annotation: Any) -> Any:
    """The type itself, without Annotated and without None."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, types.UnionType):
            others = [a for a in get_args(annotation) if a is not type(None)]
            annotation = others[0]
        else:
            return annotation


def is_model(annotation: Any) -> bool:
    """Whether a type is one of the catalog's models."""
    inner = peel(annotation)
    return isinstance(inner, type) and issubclass(inner, BaseModel)


def step_into(annotation: Any, step: str | int) -> Any:
    """The annotation of a field, of a mapping's values or of a sequence's items; else None."""
    inner = peel(annotation)
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        field = inner.model_fields.get(str(step))
        return None if field is None else Annotated[(field.annotation, field)]
    origin, arguments = get_origin(inner), get_args(inner)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return arguments[1]
    if isinstance(origin, type) and issubclass(origin, Sequence) and isinstance(step, int):
        return arguments[0]
    return None


def annotation_at(model: type[BaseModel], location: Location) -> Any:
    """The annotation at a location below a model, or None where the model knows no such place."""
    annotation: Any = model
    for step in location:
        if annotation is None:
            return None
        annotation = step_into(annotation, step)
    return annotation


def keys_at(model: type[BaseModel], location: Location) -> tuple[str, ...]:
    """The keys that a model allows at a location; none where any name may be used."""
    inner = peel(annotation_at(model, location))
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return tuple(inner.model_fields)
    return ()


def annotation_of_key(model: type[BaseModel], location: Location) -> Any:
    """The annotation of the key that a location ends in, where a model lets keys be chosen."""
    arguments = get_args(peel(annotation_at(model, location[:-1])))
    return arguments[0] if arguments else None


def describe(annotation: Any) -> str:
    """What a type allows, in a few words."""
    inner = peel(annotation)
    origin = get_origin(inner)
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(inner)))
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return "a mapping with the keys " + ", ".join(inner.model_fields)
    if origin is dict:
        return "a mapping of names to values"
    if origin is tuple:
        return "a sequence"
    for constraint in _constraints(annotation):
        pattern = getattr(constraint, "pattern", None)
        if pattern in MEANINGS:
            return MEANINGS[pattern]
    names = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
    return names.get(inner, "a value")


def accepts(annotation: Any, value: object) -> bool:
    """Whether a value would be valid at a place with this annotation."""
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def _constraints(annotation: Any) -> list[Any]:
    found: list[Any] = []
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        for item in metadata:
            found += [item, *getattr(item, "metadata", ())]
        found += _constraints(inner)
    return found
