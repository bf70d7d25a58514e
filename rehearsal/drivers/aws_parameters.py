"""Writes Pulumi's camelCase properties as the parameters of an AWS API call.

The names differ in regular ways only: `vpcId` is `VpcId`, a list may lose its plural, tags are a
map here and a list of pairs there. What the API's own model (botocore's) has no place for is an
error, so that a misspelled or new property is never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Shape = Any
"""A botocore shape; botocore ships no types."""

_PAIRS = ({"key", "value"}, {"name", "value"}, {"tagkey", "tagvalue"})


class NoPlaceError(ValueError):
    """The operation has no parameter for a property, or none of that kind."""


def member(shape: Shape, property_name: str, rename: Mapping[str, str], prefix: str) -> str | None:
    """The parameter of a structure that a property is written to; None if there is none.

    `prefix` is what a service puts before many of its names, such as RDS's `DB`.
    """
    by_lower_case = {name.lower(): name for name in shape.members}
    wanted = rename.get(property_name, property_name)
    for candidate in (wanted, prefix + wanted, f"{wanted}s", wanted.removesuffix("s")):
        found = by_lower_case.get(candidate.lower())
        if found is not None:
            return str(found)
    return None


def parameters(
    shape: Shape, properties: Mapping[str, Any], rename: Mapping[str, str], prefix: str = ""
) -> dict[str, Any]:
    """The parameters for a structure; properties that are None are left out."""
    written = {}
    for name, value in properties.items():
        if value is None:
            continue
        target = member(shape, name, rename, prefix)
        if target is None:
            raise NoPlaceError(
                f"{shape.name} has no parameter for {name}; it has {', '.join(shape.members)}"
            )
        written[target] = _value(shape.members[target], value, rename, prefix)
    return written


def text(value: Any) -> str:
    """A scalar as AWS writes it where all values are texts: `true`, `30`, `0.5`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _value(shape: Shape, value: Any, rename: Mapping[str, str], prefix: str) -> Any:
    match shape.type_name:
        case "structure":
            return _structure(shape, value, rename, prefix)
        case "list":
            items = _items(shape.member, value)
            return [_value(shape.member, item, rename, prefix) for item in items]
        case "map":
            return {k: _value(shape.value, v, rename, prefix) for k, v in value.items()}
        case _:
            return _scalar(shape, value)


def _structure(shape: Shape, value: Any, rename: Mapping[str, str], prefix: str) -> Any:
    if isinstance(value, Mapping):
        return parameters(shape, value, rename, prefix)
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1:
        return _structure(shape, value[0], rename, prefix)
    if len(shape.members) == 1 and not isinstance(value, Sequence):
        (only,) = shape.members
        return {only: _value(shape.members[only], value, rename, prefix)}
    raise NoPlaceError(f"{shape.name} is written from an object, not from {value!r}")


def _items(shape: Shape, value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        if shape.type_name == "structure":
            names = {name.lower() for name in shape.members}
            if any(names == pair for pair in _PAIRS):
                key, of = sorted(shape.members, key=lambda name: "value" in name.lower())
                return [{key: k, of: v} for k, v in value.items()]
        return [value]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return [value]


def _scalar(shape: Shape, value: Any) -> Any:
    if isinstance(value, Mapping | list | tuple):
        raise NoPlaceError(f"{shape.name} is a single {shape.type_name}, not {value!r}")
    kind = shape.type_name
    # Pulumi's numbers are floats on the wire, and Terraform writes some as text.
    if kind == "string":
        return text(value)
    if kind in ("integer", "long") and not isinstance(value, bool):
        return int(float(value))
    if kind in ("float", "double") and isinstance(value, str):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}[value.lower()]
    return value
