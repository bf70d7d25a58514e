"""Runs a program's transforms in-process, through the SDK's own callback code."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.sync_await import _sync_await

from rehearsal import wire
from rehearsal.registration import provider_urn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rehearsal.graph import Resource


class InProcessCallbacks(_CallbackServicer):
    """The SDK's servicer of callbacks without the server it would listen with."""

    def __init__(self) -> None:
        self._callbacks = {}
        self._transforms = {}
        self._state_migrations = {}
        self._loop = asyncio.get_running_loop()
        self._target = "in-process"

    def transform(self, resource: Resource, tokens: Iterable[str]) -> Resource:
        """The resource after the transforms of those tokens, one after the other."""
        for token in tokens:
            request = _request(resource)
            response = _sync_await(self._callbacks[token](request.SerializeToString()))
            assert isinstance(response, resource_pb2.TransformResponse)
            resource = _merge(resource, request, response)
        return resource


def _request(resource: Resource) -> resource_pb2.TransformRequest:
    options = resource_pb2.TransformResourceOptions(
        depends_on=resource.dependencies,
        ignore_changes=resource.ignore_changes,
        replace_on_changes=resource.replace_on_changes,
        additional_secret_outputs=resource.additional_secret_outputs,
        provider=f"{resource.provider}::id" if resource.provider else "",
        protect=resource.protect,
        retain_on_delete=resource.retain_on_delete,
    )
    return resource_pb2.TransformRequest(
        type=resource.type,
        name=resource.name,
        custom=resource.custom,
        parent=resource.parent or "",
        properties=wire.encode(resource.inputs),
        options=options,
    )


def _merge(
    resource: Resource,
    request: resource_pb2.TransformRequest,
    response: resource_pb2.TransformResponse,
) -> Resource:
    options = response.options if response.HasField("options") else request.options
    return replace(
        resource,
        inputs=wire.decode(response.properties),
        dependencies=tuple(sorted(options.depends_on)),
        ignore_changes=tuple(options.ignore_changes),
        replace_on_changes=tuple(options.replace_on_changes),
        additional_secret_outputs=tuple(options.additional_secret_outputs),
        provider=provider_urn(options.provider),
        protect=options.protect,
        retain_on_delete=options.retain_on_delete,
    )
