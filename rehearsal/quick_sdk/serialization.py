"""Serialises a resource's inputs straight into the graph's own values.

A port of the SDK's `serialize_property` (sdk/python/lib/pulumi/runtime/rpc.py), which makes a
coroutine of every value and a protobuf message of the whole.
"""

from __future__ import annotations

from collections import abc
from enum import Enum
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pulumi import CustomResource, Resource, _types
from pulumi.output import Output, Unknown, contains_unknowns
from pulumi.runtime import rpc

from rehearsal.values import UNKNOWN, Reference, Secret

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    Translate = Callable[[str], str] | None


class _NotThereYetError(Exception):
    """An Output has to be awaited before serialisation can go on."""

    def __init__(self, data: asyncio.Future[Any]) -> None:
        self.data = data


async def serialize_inputs(
    inputs: Mapping[str, Any],
    dependencies: dict[str, list[Resource]],
    resource: Resource,
    translate: Translate,
    typ: type | None,
    *,
    references_depend: bool,
) -> dict[str, Any]:
    """The inputs under Pulumi's names; the resources that each depends on go to `dependencies`.

    Raises ValueError for a value that no property can hold, naming property and resource.
    """
    get_type: Callable[[str], Any] = _no_type
    if typ is not None:
        names = _types.input_type_py_to_pulumi_names(typ)
        get_type = _types.input_type_types(typ).get

        def translate(key: str) -> str:
            return names.get(key) or key

    serialized = {}
    for key in inputs:
        name = translate(key) if translate else key
        serializer = _Serializer(key, resource, translate if typ is None else None)
        while True:
            found: list[Resource] = []
            serializer.references_depend = references_depend
            try:
                value = serializer.serialize(inputs[key], found, get_type(name))
                break
            except _NotThereYetError as waiting:
                await waiting.data
        if value is not None:
            serialized[name] = value
            dependencies[name] = found
    return serialized


class _Serializer:
    """Serialises one input of one resource."""

    __slots__ = ("_key", "_resource", "_translate", "references_depend")

    def __init__(self, key: str, resource: Resource, translate: Translate) -> None:
        self._key = key
        self._resource = resource
        self._translate = translate
        self.references_depend = True

    def serialize(self, value: Any, found: list[Resource], typ: Any = None) -> Any:
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return value
        if kind is float:
            return int(value) if value.is_integer() else value
        typ = _types.unwrap_type(typ) if typ else typ
        if typ is Any:
            typ = None
        if isinstance(value, (list, tuple)):
            element = rpc._get_list_element_type(typ)
            return [self.serialize(item, found, element) for item in value]
        if isinstance(value, Unknown):
            return UNKNOWN
        if isinstance(value, Resource):
            return self._reference(value, found)
        if isinstance(value, Output):
            return self._output(value, found, typ)
        if _types.is_input_type(kind):
            types = _types.input_type_types(kind)
            return {
                key: self.serialize(item, found, types.get(key))
                for key, item in _types.input_type_to_dict(value).items()
            }
        if isinstance(value, abc.Mapping):
            return self._mapping(value, found, typ)
        if isinstance(value, Enum) and isinstance(value.value, (str, int, float)):
            return value.value
        raise ValueError(
            f"unexpected input of type {kind.__name__} for {self._key} "
            f"in {type(self._resource).__name__}"
        )

    def _output(self, output: Output[Any], found: list[Resource], typ: Any) -> Any:
        future = output._data
        if not future.done():
            raise _NotThereYetError(future)
        data = future.result()
        found.extend(data.resources)
        plain = None if contains_unknowns(data.value) else data.value
        value = self.serialize(plain, found, typ) if data.is_known else UNKNOWN
        return Secret(value) if data.is_secret else value

    def _reference(self, resource: Resource, found: list[Resource]) -> Reference:
        noted = found if self.references_depend else []
        urn = self._output(resource.urn, noted, None)
        identity = None
        if isinstance(resource, CustomResource):
            identity = self._output(resource.id, noted, None)
        return Reference(urn, identity if isinstance(identity, str) else None)

    def _mapping(self, value: Mapping[str, Any], found: list[Resource], typ: Any) -> Any:
        translate = self._translate
        get_type: Callable[[str], Any] = _no_type
        if typ is not None:
            typ = _types.reduce_discriminated_union(typ, value, _types._py_name_for) or typ
            if _types.is_input_type(typ):
                names = _types.input_type_py_to_pulumi_names(typ)
                get_type = _types.input_type_types(typ).get

                def translate(key: str) -> str:
                    return names.get(key) or key

            else:
                translate = None
                arguments = get_args(typ)
                if (typ is dict or get_origin(typ) in (dict, abc.Mapping)) and (
                    len(arguments) == 2 and arguments[0] is str
                ):
                    member = arguments[1]

                    def get_type(_key: str) -> Any:
                        return member

        serialized = {}
        for key in value:
            name = translate(key) if translate else key
            serialized[name] = self.serialize(value[key], found, get_type(name))
        return serialized


def _no_type(_key: str) -> Any:
    return None
