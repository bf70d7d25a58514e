"""Makes the SDK's runtime quick enough to evaluate a thousand stacks.

The SDK makes four futures and a task for every property of every resource, walks plain data as if
it held Outputs, makes messages for an engine in another process, and reads source files to find
the line that declared a resource: nothing next to a call to a cloud, all of the time of an
evaluation without one. The functions here stand in for some of the SDK's and give the same graphs,
which a test holds over the whole catalog. They are written for the SDK version that the lock file
names, and take no effect under the real engine.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from pulumi import ResourceOptions, _types, log
from pulumi import output as output_module
from pulumi import resource as sdk_resource
from pulumi._utils import ContextProperty
from pulumi.output import Output
from pulumi.resource_hooks import ResourceHookBinding
from pulumi.runtime import resource as resource_module
from pulumi.runtime import rpc, settings
from pulumi.runtime import stack as stack_module

from rehearsal.quick_sdk import options, outputs, properties, registering, registration

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMEMBERED = {
    name: cache(getattr(_types, name))
    for name in (
        "input_type_py_to_pulumi_names",
        "input_type_types",
        "unwrap_type",
        "unwrap_optional_type",
        "resource_types",
        "resource_pulumi_to_py_names",
        "resource_py_to_pulumi_names",
    )
}
"""What follows from a type alone, and is asked for every resource and output."""


@contextmanager
def accelerated() -> Iterator[None]:
    """Within it the SDK's runtime is the quick one."""
    patches: list[tuple[Any, str, Any]] = [
        (Output, "from_input", staticmethod(outputs.from_input)),
        (Output, "all", staticmethod(outputs.all_of)),
        (Output, "_track", outputs.track),
        (output_module, "contains_unknowns", outputs.contains_unknowns),
        (rpc, "contains_unknowns", outputs.contains_unknowns),
        (rpc, "transfer_properties", properties.transfer_properties),
        (rpc, "resolve_outputs", properties.resolve_outputs),
        (
            rpc,
            "resolve_outputs_due_to_exception",
            properties.resolve_outputs_due_to_exception,
        ),
        (ResourceOptions, "_copy", options.copy_options),
        (ResourceHookBinding, "merge", staticmethod(options.merge_hooks)),
        (sdk_resource, "register_resource", registering.register_resource),
        (sdk_resource, "collapse_alias_to_urn", registering.collapse_alias_to_urn),
        (resource_module, "prepare_resource", registration.prepare_resource),
        (resource_module, "resource_pb2", registration.QuickProtocol()),
        (resource_module, "create_urn", registration.create_urn),
        (resource_module, "_get_stack_trace", registration.get_stack_trace),
        (resource_module, "wrap_with_context", registration.without_context),
        (stack_module, "wait_for_rpcs", _wait_for_rpcs),
        (output_module, "_is_prompt", outputs.is_prompt),
        (ResourceHookBinding, "_copy", options.copy_options),
        (ContextProperty, "__get__", options.get_setting),
        *((_types, name, remembered) for name, remembered in _REMEMBERED.items()),
        (log, "debug", _say_nothing),
    ]
    originals = [(owner, name, vars(owner)[name]) for owner, name, _ in patches]
    for owner, name, quick in patches:
        setattr(owner, name, quick)
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _say_nothing(*_arguments: Any, **_options: Any) -> None:
    """Nobody listens: the SDK would format a dozen messages a resource for a level that is off."""


async def _wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:
    """In place of the SDK's function, which wakes for each of thousands of outputs."""
    manager = settings._get_rpc_manager()
    pending = settings.SETTINGS.outputs
    while manager.rpcs or (await_all_outstanding_tasks and pending):
        while manager.rpcs:
            await asyncio.sleep(0)
            await manager.rpcs.pop()
        if manager.unhandled_exception is not None:
            raise manager.unhandled_exception.with_traceback(manager.exception_traceback)
        if await_all_outstanding_tasks:
            waiting = list(pending)
            pending.clear()
            await asyncio.gather(*waiting)
