"""Property values between the SDK's protobuf messages and the graph's plain data.

The signatures are those of the Pulumi protocol (sdk/python/lib/pulumi/runtime/rpc.py).
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import struct_pb2

from rehearsal.values import UNKNOWN, Reference, Secret, Unknown

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark of a secret
_RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of a message as plain data."""
    return {key: _decode(value) for key, value in struct.fields.items()}


def _decode(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            text = value.string_value
            return UNKNOWN if text == _UNKNOWN else text
        case "struct_value":
            fields = value.struct_value.fields
            if _SIGNATURE in fields:
                return _decode_special(fields)
            return {key: _decode(item) for key, item in fields.items()}
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _decode_special(fields: Any) -> Any:
    signature = fields[_SIGNATURE].string_value
    if signature == _SECRET:
        return Secret(_decode(fields["value"]))
    if signature == _RESOURCE:
        identity = fields["id"].string_value if "id" in fields else None
        return Reference(fields["urn"].string_value, None if identity == _UNKNOWN else identity)
    raise ValueError(
        f"a property holds a special value of kind {signature}; "
        "assets and archives are not part of this platform"
    )


def encode(properties: dict[str, Any]) -> struct_pb2.Struct:
    """Plain data as the properties of a message."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _encode(value, struct.fields[key])
    return struct


def _encode(value: Any, into: struct_pb2.Value) -> None:
    match value:
        case None:
            into.null_value = struct_pb2.NULL_VALUE
        case bool():
            into.bool_value = value
        case int() | float():
            into.number_value = value
        case str():
            into.string_value = value
        case Unknown():
            into.string_value = _UNKNOWN
        case Secret():
            into.struct_value.fields[_SIGNATURE].string_value = _SECRET
            _encode(value.value, into.struct_value.fields["value"])
        case Reference():
            fields = into.struct_value.fields
            fields[_SIGNATURE].string_value = _RESOURCE
            fields["urn"].string_value = value.urn
            if value.id is not None:
                fields["id"].string_value = value.id
        case dict():
            into.struct_value.SetInParent()
            for key, item in value.items():
                _encode(item, into.struct_value.fields[str(key)])
        case list() | tuple():
            into.list_value.SetInParent()
            for item in value:
                _encode(item, into.list_value.values.add())
        case _:
            raise TypeError(f"{type(value).__name__} is no property value: {value!r}")
