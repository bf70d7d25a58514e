"""Makes the SDK's runtime quick enough to evaluate a thousand stacks.

The SDK makes four futures and a task for every property of every resource, walks plain data as if
it held Outputs, and reads source files to find the line that declared a resource: nothing next to
a call to a cloud, all of the time of an evaluation without one. The functions here stand in for
some of the SDK's and give the same graphs, which a test holds over the whole catalog. They are
written for the SDK version that the lock file names, and take no effect under the real engine.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from functools import cache
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi import _types, log
from pulumi import output as output_module
from pulumi.output import UNKNOWN, Output, _OutputData, contains_unknowns
from pulumi.runtime import resource as resource_module
from pulumi.runtime import rpc, settings
from pulumi.runtime import stack as stack_module
from pulumi.runtime.proto import source_pb2

from rehearsal.source_position import is_program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from google.protobuf import struct_pb2
    from pulumi import Inputs, Resource

_SCALARS = (str, int, float, bool, type(None))


@contextmanager
def accelerated() -> Iterator[None]:
    """Within it the SDK's runtime is the quick one."""
    patches: list[tuple[Any, str, Any]] = [
        (Output, "from_input", staticmethod(_from_input)),
        (output_module, "contains_unknowns", _contains_unknowns),
        (rpc, "contains_unknowns", _contains_unknowns),
        (rpc, "transfer_properties", _transfer_properties),
        (rpc, "resolve_outputs", _resolve_outputs),
        (rpc, "resolve_outputs_due_to_exception", _resolve_outputs_due_to_exception),
        (_types, "unwrap_type", _unwrap_type),
        (log, "debug", _say_nothing),
        (resource_module, "_get_stack_trace", _get_stack_trace),
        (resource_module, "create_urn", _create_urn),
        (stack_module, "wait_for_rpcs", _wait_for_rpcs),
    ]
    originals = [(owner, name, vars(owner)[name]) for owner, name, _ in patches]
    for owner, name, quick in patches:
        setattr(owner, name, quick)
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


class _Properties:
    """The outputs of one resource: each is worked out, and made a future, only where awaited."""

    __slots__ = ("answer", "failure", "resource", "waiting")

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.answer: _Answer | None = None
        self.failure: Exception | None = None
        self.waiting: dict[str, asyncio.Future[_OutputData[Any]]] = {}

    def future(self, name: str) -> asyncio.Future[_OutputData[Any]]:
        """The future of one output, settled if the resource has been answered."""
        future = self.waiting.get(name)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            if self.answer is None and self.failure is None:
                self.waiting[name] = future
            else:
                self._settle(name, future)
        return future

    def resolve(self, answer: _Answer) -> None:
        """Settle what is awaited, and keep the answer for what will be."""
        self.answer = answer
        while self.waiting:
            self._settle(*self.waiting.popitem())

    def fail(self, failure: Exception) -> None:
        """Fail what is awaited, and what will be."""
        self.failure = failure
        while self.waiting:
            self._settle(*self.waiting.popitem())

    def _settle(self, name: str, future: asyncio.Future[_OutputData[Any]]) -> None:
        if self.failure is not None or self.answer is None:
            future.set_exception(self.failure or RuntimeError(f"{name} has no answer"))
            return
        value, is_known, is_secret = self.answer.output(name)
        resources = {self.resource, *self.answer.dependencies(name)}
        future.set_result(_OutputData(resources, value, is_known, is_secret))


class _Answer:
    """What the monitor answered for one resource, deserialised one output at a time."""

    __slots__ = (
        "_dependencies",
        "_given",
        "_keys",
        "_missing_is_known",
        "_outputs",
        "_resource",
        "_typed",
        "_unknowns",
    )

    def __init__(
        self,
        resource: Resource,
        given: struct_pb2.Struct,
        outputs: struct_pb2.Struct,
        dependencies: Mapping[str, set[Resource]],
        typed: bool,
        keep_unknowns: bool,
        missing_as_unknown: bool,
    ) -> None:
        self._resource = resource
        self._given = given
        self._outputs = outputs
        self._typed = typed
        self._unknowns = keep_unknowns
        self._missing_is_known = not settings.is_dry_run() and not missing_as_unknown
        self._keys = self._python_names(outputs)
        self._dependencies = {self._python_name(key): deps for key, deps in dependencies.items()}

    def dependencies(self, name: str) -> set[Resource]:
        """Resources that the output depends on, beside its own."""
        return self._dependencies.get(name, set())

    def output(self, name: str) -> tuple[Any, bool, bool]:
        """The value of an output, whether it is known and whether it is secret."""
        preview = settings.is_dry_run()
        key = self._keys.get(name)
        value = None
        if key is not None:
            value = self._value(key, self._outputs, mismatch_is_none=False)
        if value is None and not preview:
            key = self._python_names(self._given).get(name)
            if key is not None:
                value = self._value(key, self._given, mismatch_is_none=True)
        if value is None:
            return None, self._missing_is_known, False
        return rpc.unwrap_rpc_secret(value), True, rpc.is_rpc_secret(value)

    def _value(self, key: str, struct: struct_pb2.Struct, *, mismatch_is_none: bool) -> Any:
        value = rpc.deserialize_property(struct[key], self._unknowns)
        if value is None:
            return None
        translate = self._resource.translate_output_property
        return rpc.translate_output_properties(
            value,
            (lambda prop: prop) if self._typed else translate,
            _types.resource_types(type(self._resource)).get(key),
            self._typed,
            rpc._Path(self._python_name(key), resource=self._resource._name),
            mismatch_is_none,
        )

    def _python_names(self, struct: struct_pb2.Struct) -> dict[str, str]:
        return {self._python_name(key): key for key in struct.fields}

    def _python_name(self, key: str) -> str:
        if self._typed:
            names = _types.resource_pulumi_to_py_names(type(self._resource))
            return names.get(key) or key
        return self._resource.translate_output_property(key)


class _Resolvers(dict[str, Any]):
    """Resolvers as the SDK passes them around; those of one resource are answered together."""

    def __init__(self, properties: _Properties) -> None:
        super().__init__()
        self.properties = properties


class _Property(Output[Any]):
    """An Output of a resource that costs nothing until somebody awaits it."""

    def __init__(self, properties: _Properties, name: str) -> None:
        self._properties = properties
        self._name = name
        self._future_data: asyncio.Future[_OutputData[Any]] | None = None

    @property
    def _data(self) -> asyncio.Future[_OutputData[Any]]:  # type: ignore[override]
        if self._future_data is None:
            self._future_data = self._properties.future(self._name)
        return self._future_data

    def _untrack(self) -> None:
        """Nothing tracks it: registrations are awaited as such."""


def _transfer_properties(res: Resource, props: Inputs, custom: bool) -> _Resolvers:
    properties = _Properties(res)
    for name in props:
        if name != "urn" and not (name == "id" and custom):
            res.__dict__[name] = _Property(properties, name)
    return _Resolvers(properties)


def _resolve_outputs(
    res: Resource,
    serialized_props: struct_pb2.Struct,
    outputs: struct_pb2.Struct,
    deps: Mapping[str, set[Resource]],
    resolvers: _Resolvers,
    custom: bool,  # noqa: ARG001 - the SDK's signature
    transform_using_type_metadata: bool = False,
    keep_unknowns: bool = False,
    resolve_missing_as_unknown: bool = False,
) -> None:
    resolvers.properties.resolve(
        _Answer(
            res,
            serialized_props,
            outputs,
            deps,
            transform_using_type_metadata,
            keep_unknowns,
            resolve_missing_as_unknown,
        )
    )


def _resolve_outputs_due_to_exception(resolvers: _Resolvers, exn: Exception) -> None:
    resolvers.properties.fail(exn)


def _contains_unknowns(val: Any) -> bool:
    if isinstance(val, _SCALARS):
        return False
    return _original_contains_unknowns(val)


_original_from_input = Output.from_input
_original_contains_unknowns = rpc.contains_unknowns
_unwrap_type = cache(_types.unwrap_type)


def _say_nothing(*_arguments: Any, **_options: Any) -> None:
    """Nobody listens: the SDK would format a dozen messages a resource for a level that is off."""


def _from_input(val: Any) -> Output[Any]:
    if isinstance(val, Output):
        return val.apply(_from_input, True)
    leaves: list[Output[Any]] = []
    if not _collect(val, leaves):
        return _original_from_input(val)
    if not leaves:
        future: asyncio.Future[_OutputData[Any]] = asyncio.get_running_loop().create_future()
        future.set_result(_OutputData(set(), val, True, False))
        made: Output[Any] = object.__new__(Output)
        made._data = future
        return made
    return Output._from_data(_gather(val, leaves))


def _collect(val: Any, leaves: list[Output[Any]]) -> bool:
    """Add the Outputs within a value in order; False where it holds what only the SDK unwraps."""
    if isinstance(val, _SCALARS):
        return True
    if isinstance(val, Output):
        leaves.append(val)
        return True
    kind = type(val)
    if kind is dict:
        return all(isinstance(key, str) for key in val) and all(
            _collect(item, leaves) for item in val.values()
        )
    if kind is list or kind is tuple:
        return all(_collect(item, leaves) for item in val)
    return not (
        _types.is_input_type(kind) or isinstance(val, (dict, list, tuple)) or isawaitable(val)
    )


async def _gather(val: Any, leaves: list[Output[Any]]) -> _OutputData[Any]:
    resources: set[Resource] = set()
    is_known, is_secret = True, False
    values = []
    for leaf in leaves:
        data = await leaf._data
        value = data.value
        if not data.is_known and not contains_unknowns(value):
            value = UNKNOWN
        inner: list[Output[Any]] = []
        if not isinstance(value, _SCALARS) and (not _collect(value, inner) or inner):
            nested = await _original_from_input(value)._data
            resources |= nested.resources
            is_known, is_secret = is_known and nested.is_known, is_secret or nested.is_secret
            value = nested.value
        resources |= data.resources
        is_known, is_secret = is_known and data.is_known, is_secret or data.is_secret
        values.append(value)
    return _OutputData(resources, _rebuild(val, iter(values)), is_known, is_secret)


def _rebuild(val: Any, values: Iterator[Any]) -> Any:
    if isinstance(val, Output):
        return next(values)
    kind = type(val)
    if kind is dict:
        return {key: _rebuild(item, values) for key, item in val.items()}
    if kind is list:
        return [_rebuild(item, values) for item in val]
    if kind is tuple:
        return tuple([_rebuild(item, values) for item in val])
    return val


def _get_stack_trace() -> source_pb2.StackTrace:
    # The constructors of Resource, of its abstract class and of the concrete one lie between.
    frame: FrameType | None = sys._getframe(1)
    constructors = 0
    while frame is not None and not (constructors == 3 and is_program(frame.f_code.co_filename)):
        constructors = min(3, constructors + (frame.f_code.co_name == "__init__"))
        frame = frame.f_back
    if frame is None:
        return source_pb2.StackTrace()
    uri = Path(frame.f_code.co_filename).as_uri()
    position = source_pb2.SourcePosition(uri=uri, line=frame.f_lineno)
    return source_pb2.StackTrace(frames=[source_pb2.StackFrame(pc=position)])


_original_create_urn = resource_module.create_urn


def _create_urn(
    name: Any, type_: Any, parent: Any = None, project: Any = None, stack: Any = None
) -> Output[str]:
    if not (isinstance(name, str) and isinstance(type_, str) and isinstance(parent, str)):
        return _original_create_urn(name, type_, parent, project, stack)
    prefix = parent[: parent.rfind("::")] + "$"
    return _from_input(f"{prefix}{type_}::{name}")


async def _wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:
    manager = settings._get_rpc_manager()
    outputs = settings.SETTINGS.outputs
    while manager.rpcs or (await_all_outstanding_tasks and outputs):
        while manager.rpcs:
            await asyncio.sleep(0)
            await manager.rpcs.pop()
        if manager.unhandled_exception is not None:
            raise manager.unhandled_exception.with_traceback(manager.exception_traceback)
        if await_all_outstanding_tasks:
            pending = list(outputs)
            outputs.clear()
            await asyncio.gather(*pending)
