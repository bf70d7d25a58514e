"""The outputs of a resource, each worked out only where somebody awaits it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from google.protobuf import struct_pb2
from pulumi import _types
from pulumi.output import UNKNOWN, Output, _OutputData
from pulumi.runtime import rpc, settings

from rehearsal import wire
from rehearsal.values import Reference, Secret, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi import Inputs, Resource


def transfer_properties(res: Resource, props: Inputs, custom: bool) -> _Resolvers:
    """In place of the SDK's function of that name."""
    properties = _Properties(res)
    for name in props:
        if name != "urn" and not (name == "id" and custom):
            res.__dict__[name] = _Property(properties, name)
    return _Resolvers(properties)


def resolve_outputs(
    res: Resource,
    serialized_props: Any,
    outputs: Any,
    deps: Mapping[str, set[Resource]],
    resolvers: _Resolvers,
    custom: bool,  # noqa: ARG001 - the SDK's signature
    transform_using_type_metadata: bool = False,
    keep_unknowns: bool = False,
    resolve_missing_as_unknown: bool = False,
) -> None:
    """In place of the SDK's function of that name."""
    resolvers.properties.resolve(
        _Answer(
            res,
            _plain(serialized_props),
            _plain(outputs),
            deps,
            typed=transform_using_type_metadata,
            keep_unknowns=keep_unknowns or settings.is_dry_run(),
            missing_is_known=not settings.is_dry_run() and not resolve_missing_as_unknown,
        )
    )


def resolve_outputs_due_to_exception(resolvers: _Resolvers, exn: Exception) -> None:
    """In place of the SDK's function of that name."""
    resolvers.properties.fail(exn)


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


class _Property(Output[Any]):
    """An Output of a resource that costs nothing until somebody awaits it."""

    def __init__(self, properties: _Properties, name: str) -> None:
        self._properties = properties
        self._name = name
        self._future_data: asyncio.Future[_OutputData[Any]] | None = None

    @property
    def _data(self) -> asyncio.Future[_OutputData[Any]]:  # type: ignore[override]  # made late
        if self._future_data is None:
            self._future_data = self._properties.future(self._name)
        return self._future_data

    def _untrack(self) -> None:
        """Nothing tracks it: registrations are awaited as such."""


class _Resolvers(dict[str, Any]):
    """Resolvers as the SDK passes them around; those of one resource are answered together."""

    def __init__(self, properties: _Properties) -> None:
        super().__init__()
        self.properties = properties


class _Answer:
    """What the monitor answered for one resource, given to the program one output at a time."""

    __slots__ = (
        "_dependencies",
        "_given",
        "_keep_unknowns",
        "_missing_is_known",
        "_outputs",
        "_resource",
        "_typed",
    )

    def __init__(
        self,
        resource: Resource,
        given: Mapping[str, Any],
        outputs: Mapping[str, Any],
        dependencies: Mapping[str, set[Resource]],
        *,
        typed: bool,
        keep_unknowns: bool,
        missing_is_known: bool,
    ) -> None:
        self._resource = resource
        self._typed = typed
        self._keep_unknowns = keep_unknowns
        self._missing_is_known = missing_is_known
        self._outputs = self._by_python_name(outputs)
        self._given = None if settings.is_dry_run() else self._by_python_name(given)
        self._dependencies = self._by_python_name(dependencies)

    def dependencies(self, name: str) -> set[Resource]:
        """Resources that the output depends on, beside its own."""
        found: set[Resource] = self._dependencies.get(name, ("", set()))[1]
        return found

    def output(self, name: str) -> tuple[Any, bool, bool]:
        """The value of an output, whether it is known and whether it is secret."""
        value, is_secret = None, False
        if name in self._outputs:
            value, is_secret = self._value(*self._outputs[name], mismatch_is_none=False)
        if value is None and self._given is not None and name in self._given:
            value, is_secret = self._value(*self._given[name], mismatch_is_none=True)
        if value is None:
            return None, self._missing_is_known, False
        return value, True, is_secret

    def _value(self, key: str, plain: Any, *, mismatch_is_none: bool) -> tuple[Any, bool]:
        seen: list[Secret] = []
        value = self._as_sdk(plain, seen)
        if value is None:
            return None, False
        translate = self._resource.translate_output_property
        translated = rpc.translate_output_properties(
            value,
            (lambda prop: prop) if self._typed else translate,
            _types.resource_types(type(self._resource)).get(key),
            self._typed,
            rpc._Path(key, resource=self._resource._name),
            mismatch_is_none,
        )
        return translated, bool(seen)

    def _as_sdk(self, plain: Any, secrets: list[Secret]) -> Any:
        """A value as the SDK deserialises it: numbers are floats, absent members are left out.

        Secrecy is a whole output's, so the secrets within it are noted and opened.
        """
        match plain:
            case str() | bool() | None:
                return plain
            case int() | float():
                return float(plain)
            case Secret():
                secrets.append(plain)
                return self._as_sdk(plain.value, secrets)
            case Unknown():
                return UNKNOWN if self._keep_unknowns else None
            case dict():
                members = {key: self._as_sdk(item, secrets) for key, item in plain.items()}
                return {key: item for key, item in members.items() if item is not None}
            case list():
                return [self._as_sdk(item, secrets) for item in plain]
            case Reference():
                struct = wire.encode({"reference": plain})
                return rpc.deserialize_property(struct["reference"], self._keep_unknowns)
            case _:
                raise TypeError(f"{type(plain).__name__} is no property value: {plain!r}")

    def _by_python_name(self, properties: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
        if self._typed:
            names = _types.resource_pulumi_to_py_names(type(self._resource))
            return {names.get(key) or key: (key, value) for key, value in properties.items()}
        translate = self._resource.translate_output_property
        return {translate(key): (key, value) for key, value in properties.items()}


def _plain(properties: Any) -> Mapping[str, Any]:
    return wire.decode(properties) if isinstance(properties, struct_pb2.Struct) else properties
