"""Makes the SDK's runtime quick enough to evaluate a thousand stacks.

The SDK makes four futures and a task for every property of every resource, walks plain data as if
it held Outputs, and reads source files to find the line that declared a resource: nothing next to
a call to a cloud, all of the time of an evaluation without one. The functions here stand in for
five of the SDK's and give the same graphs, which a test holds over the whole catalog. They are
written for the SDK version that the lock file names, and take no effect under the real engine.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from inspect import isawaitable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi import _types
from pulumi.output import UNKNOWN, Output, _OutputData, contains_unknowns
from pulumi.runtime import resource as resource_module
from pulumi.runtime import rpc, settings
from pulumi.runtime import stack as stack_module
from pulumi.runtime.proto import source_pb2

from rehearsal.source_position import is_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from pulumi import Inputs, Resource

_SCALARS = (str, int, float, bool, type(None))


@contextmanager
def accelerated() -> Iterator[None]:
    """Within it the SDK's runtime is the quick one."""
    patches: list[tuple[Any, str, Any]] = [
        (Output, "from_input", staticmethod(_from_input)),
        (rpc, "transfer_properties", _transfer_properties),
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
    """The outputs of one resource: resolved together, turned into futures only where awaited."""

    __slots__ = ("resolved", "resource", "waiting")

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.resolved: dict[str, tuple[Any, bool, bool, Any, Exception | None]] = {}
        self.waiting: dict[str, asyncio.Future[_OutputData[Any]]] = {}

    def resolver(self, name: str) -> Callable[..., None]:
        def resolve(
            value: Any,
            is_known: bool,
            is_secret: bool,
            dependencies: set[Resource] | None,
            failure: Exception | None,
        ) -> None:
            self.resolved[name] = (value, is_known, is_secret, dependencies, failure)
            future = self.waiting.pop(name, None)
            if future is not None:
                self._settle(name, future)

        return resolve

    def future(self, name: str) -> asyncio.Future[_OutputData[Any]]:
        future = self.waiting.get(name)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            if name in self.resolved:
                self._settle(name, future)
            else:
                self.waiting[name] = future
        return future

    def _settle(self, name: str, future: asyncio.Future[_OutputData[Any]]) -> None:
        value, is_known, is_secret, dependencies, failure = self.resolved[name]
        if failure is not None:
            future.set_exception(failure)
            return
        resources = {self.resource, *(dependencies or ())}
        future.set_result(_OutputData(resources, value, is_known, is_secret))


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


def _transfer_properties(res: Resource, props: Inputs, custom: bool) -> dict[str, Any]:
    properties = _Properties(res)
    resolvers = {}
    for name in props:
        if name == "urn" or (name == "id" and custom):
            continue
        resolvers[name] = properties.resolver(name)
        res.__dict__[name] = _Property(properties, name)
    return resolvers


_original_from_input = Output.from_input


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
