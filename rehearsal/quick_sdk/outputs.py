"""Outputs made of plain data without walking it as if it held other Outputs."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from pulumi import _types
from pulumi.output import UNKNOWN, Output, Unknown, _OutputData

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi import Resource

SCALARS = (str, int, float, bool, type(None))

_sdk_from_input = Output.from_input
_sdk_track = Output._track


def from_input(val: Any) -> Output[Any]:
    """In place of `Output.from_input`."""
    if isinstance(val, Output):
        return val.apply(from_input, True)
    if _is_special(val):
        return _sdk_from_input(val)
    leaves: list[Output[Any]] = []
    lifted = _lift(val, leaves)
    if leaves:
        return Output._from_data(_gather(lifted, leaves))
    return settled(val)


def all_of(*args: Any, **kwargs: Any) -> Output[Any]:
    """In place of `Output.all`."""
    if args and kwargs:
        raise ValueError("Output.all() was supplied a mix of named and unnamed inputs")
    return from_input(kwargs or list(args))


def settled(val: Any) -> Output[Any]:
    """An Output of a value that is there."""
    future: asyncio.Future[_OutputData[Any]] = asyncio.get_running_loop().create_future()
    future.set_result(_OutputData(set(), val, True, False))
    made: Output[Any] = object.__new__(Output)
    made._data = future
    return made


def contains_unknowns(val: Any) -> bool:
    """In place of the SDK's function of that name."""
    if isinstance(val, SCALARS):
        return False
    if isinstance(val, dict):
        return any(map(contains_unknowns, val.values()))
    if isinstance(val, list):
        return any(map(contains_unknowns, val))
    return isinstance(val, Unknown)


def is_prompt(val: Any) -> bool:
    """In place of the SDK's `_is_prompt`: whether a value is there already."""
    if isinstance(val, (*SCALARS, list, dict)):
        return True
    return not isinstance(val, Output) and not isawaitable(val)


def track(output: Output[Any]) -> None:
    """In place of `Output._track`: what has ended well need not be awaited."""
    data = output._data
    if not data.done() or data.cancelled() or data.exception() is not None:
        _sdk_track(output)


def _is_special(val: Any) -> bool:
    """Whether a value is of the rare kinds that the SDK itself had better unwrap."""
    if isinstance(val, (*SCALARS, list, tuple)):
        return False
    if isinstance(val, dict):
        return not all(isinstance(key, str) for key in val)
    return _types.is_input_type(type(val)) or isawaitable(val)


def _lift(val: Any, leaves: list[Output[Any]]) -> Any:
    """The value with every Output in it, also those of special values, added to `leaves`."""
    if isinstance(val, SCALARS):
        return val
    if isinstance(val, Output):
        leaves.append(val)
        return val
    if _is_special(val):
        return _lift(_sdk_from_input(val), leaves)
    if isinstance(val, dict):
        return {key: _lift(item, leaves) for key, item in val.items()}
    if isinstance(val, list):
        return [_lift(item, leaves) for item in val]
    if isinstance(val, tuple):
        return tuple([_lift(item, leaves) for item in val])
    return val


async def _gather(lifted: Any, leaves: list[Output[Any]]) -> _OutputData[Any]:
    resources: set[Resource] = set()
    is_known, is_secret = True, False
    values = []
    for leaf in leaves:
        data = await leaf._data
        value = data.value
        if not data.is_known and not contains_unknowns(value):
            value = UNKNOWN
        if not isinstance(value, (*SCALARS, Unknown)):
            nested = await from_input(value)._data
            resources |= nested.resources
            is_known, is_secret = is_known and nested.is_known, is_secret or nested.is_secret
            value = nested.value
        resources |= data.resources
        is_known, is_secret = is_known and data.is_known, is_secret or data.is_secret
        values.append(value)
    return _OutputData(resources, _rebuild(lifted, iter(values)), is_known, is_secret)


def _rebuild(lifted: Any, values: Iterator[Any]) -> Any:
    if isinstance(lifted, Output):
        return next(values)
    if isinstance(lifted, dict):
        return {key: _rebuild(item, values) for key, item in lifted.items()}
    if isinstance(lifted, list):
        return [_rebuild(item, values) for item in lifted]
    if isinstance(lifted, tuple):
        return tuple([_rebuild(item, values) for item in lifted])
    return lifted
