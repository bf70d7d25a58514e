"""Which changes replace an AWS resource: CloudFormation's create-only properties, and differences.

A create-only property can't be changed on what exists; both CloudFormation and the provider make
the resource anew. Source: the resource schemas' `createOnlyProperties`,
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from planning import cloudformation
from planning.cloudformation import normal
from planning.replacement import aws_differences as differences
from planning.replacement.verdict import IN_PLACE, Verdict, steps, touches

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERS = ("s", "document", "arn", "id", "name", "identifier", "url")
"""What CloudFormation adds to a name that Pulumi leaves bare, such as RoleName for role."""


@dataclass(frozen=True, slots=True)
class _Type:
    """What a type's schema says: its properties by their plain names, and those fixed for good."""

    cloudformation: str
    properties: Mapping[str, str]
    always: tuple[tuple[str, ...], ...]
    sometimes: tuple[tuple[str, ...], ...]


def verdict(type: str, path: str) -> Verdict:
    """What a change at a path of an AWS resource's inputs does."""
    short = type.removeprefix("aws:")
    changed = steps(path)
    top = changed[0]
    if top in differences.SETTINGS:
        return IN_PLACE
    if top == "region":
        return Verdict("replaces", "what exists can't be taken to another region")
    provider = "the AWS provider makes the resource anew when it changes"
    if short in differences.PROVIDERS_OWN:
        if top in differences.PROVIDERS_OWN[short]:
            return Verdict("replaces", provider)
        return IN_PLACE
    if any(touches(changed, steps(each)) for each in differences.REPLACES.get(short, ())):
        return Verdict("replaces", provider)
    if top in differences.KEEPS.get(short, ()) or top in differences.ATTRIBUTES.get(short, ()):
        return IN_PLACE
    known = _type(type)
    if known is None:
        return Verdict("unknown", "CloudFormation has no such type")
    name = property_of(type, top)
    if name is None:
        return Verdict("unknown", f"{known.cloudformation} has no such property")
    place = (normal(name), *map(normal, changed[1:]))
    place = tuple(step or "*" for step in place)
    if any(touches(place, fixed) for fixed in known.always):
        return Verdict("replaces", f"{name} is create-only in {known.cloudformation}")
    if any(touches(place, fixed) for fixed in known.sometimes):
        return Verdict("unknown", f"{known.cloudformation} replaces for {name} in some cases")
    return IN_PLACE


@cache
def property_of(type: str, name: str) -> str | None:
    """CloudFormation's name of a Pulumi property."""
    known = _type(type)
    if known is None:
        return None
    short = type.removeprefix("aws:")
    if given := differences.PROPERTIES.get(short, {}).get(name):
        return given
    plain = normal(name)
    for candidate in (plain, plain.removesuffix("s"), *(plain + more for more in _REFERS)):
        if candidate in known.properties:
            return known.properties[candidate]
    kind = known.cloudformation.rpartition("::")[2]
    # `name` of a LogGroup is LogGroupName; `clusterIdentifier` of a DBCluster DBClusterIdentifier.
    for start in range(len(kind)):
        candidate = normal(kind[start:]) + plain
        if candidate in known.properties:
            return known.properties[candidate]
    return known.properties.get(f"db{plain}")


@cache
def _type(type: str) -> _Type | None:
    name = cloudformation.type_of(type)
    if name is None:
        return None
    schema = cloudformation.schema(name)
    return _Type(
        name,
        {normal(each): each for each in schema["properties"]},
        _pointers(schema.get("createOnlyProperties", ())),
        _pointers(schema.get("conditionalCreateOnlyProperties", ())),
    )


def _pointers(given: object) -> tuple[tuple[str, ...], ...]:
    assert isinstance(given, list | tuple)
    return tuple(
        tuple(normal(step) or "*" for step in each.removeprefix("/properties/").split("/"))
        for each in given
    )
